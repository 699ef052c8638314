import { createServer } from "node:http";

import type { HttpBindings } from "@hono/node-server";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context, Hono } from "hono";

export interface DirectoryEnv {
  Bindings: HttpBindings;
}

/** What any service, or something between, may do to a request in place of an answer. */
export type WireFault = "html" | "html-404" | "hang" | "reset" | "redirect" | "truncated" | "500" | "429" | "403";

export interface Served {
  readonly origin: string;
  /** Breaks open connections and ends. May be called twice. */
  readonly stop: () => Promise<void>;
}

export async function serve(app: Hono<DirectoryEnv>): Promise<Served> {
  const server = createServer(getRequestListener(app.fetch));
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("Could not listen on a port"));
      else resolve(address.port);
    });
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const webPage = "<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body>Welcome!</body></html>";

export async function breakWire(context: Context<DirectoryEnv>, fault: WireFault): Promise<Response> {
  const { socket } = context.env.incoming;
  switch (fault) {
    case "html":
      return new Response(webPage, { status: 200, headers: { "content-type": "text/html" } });
    case "html-404":
      return new Response(webPage, { status: 404, headers: { "content-type": "text/html" } });
    case "redirect":
      return new Response(null, { status: 302, headers: { location: "/elsewhere" } });
    case "truncated":
      return new Response('{"id":"1', { status: 200, headers: { "content-type": "application/json" } });
    case "reset":
      socket.destroy();
      return RESPONSE_ALREADY_SENT;
    case "hang":
      // Until the client gives up or the server stops.
      if (!socket.destroyed) await new Promise<void>((resolve) => socket.once("close", () => resolve()));
      return RESPONSE_ALREADY_SENT;
    case "500":
    case "429":
    case "403":
      return Response.json({}, { status: Number(fault), headers: fault === "429" ? { "retry-after": "7" } : {} });
  }
}
