import { createServer, request as forward } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";

/** What stands at the function's address. */
export type DoorState =
  /** The function. */
  | { readonly kind: "open" }
  /** The function, but every answer is lost on the way. */
  | { readonly kind: "lossy" }
  /** Nothing: the port is closed. */
  | { readonly kind: "closed" }
  /** Something that takes requests and never answers. */
  | { readonly kind: "silent" }
  /** Something else, that answers everything with this; or only what is asked for below `only`. */
  | {
      readonly kind: "stranger";
      readonly status: number;
      readonly type: string;
      readonly body: string;
      readonly only?: string;
    };

export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly idempotencyKey: string | undefined;
  readonly authorization: string | undefined;
}

/**
 * An address on loopback behind which the function comes and goes: the editor keeps its setting while the test decides
 * what answers there.
 */
export interface FrontDoor {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  become(state: DoorState): Promise<void>;
  close(): Promise<void>;
}

export async function openFrontDoor(functionUrl: string): Promise<FrontDoor> {
  const { hostname, port } = new URL(functionUrl);
  const seen: SeenRequest[] = [];
  let state: DoorState = { kind: "open" };

  function pass(request: IncomingMessage, response: ServerResponse): void {
    const { method = "GET", url = "/", headers } = request;
    const isLossy = state.kind === "lossy";
    const onward = forward({ hostname, port, method, path: url, headers }, (answer) => {
      if (isLossy) {
        response.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    // Whoever gives up on either side ends both.
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  }

  const server = createServer((request, response) => {
    const { method = "GET", url = "/", headers } = request;
    const idempotencyKey = headers["idempotency-key"];
    seen.push({
      method,
      path: url,
      idempotencyKey: typeof idempotencyKey === "string" ? idempotencyKey : undefined,
      authorization: headers.authorization,
    });
    const isStranger = state.kind === "stranger" && url.startsWith(state.only ?? "/");
    if (state.kind === "open" || state.kind === "lossy" || (state.kind === "stranger" && !isStranger)) {
      pass(request, response);
    } else if (state.kind === "stranger")
      response.writeHead(state.status, { "Content-Type": state.type }).end(state.body);
  });
  await listen(server, 0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The front door got no port.");

  async function shut(): Promise<void> {
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    async become(next) {
      await shut();
      state = next;
      if (next.kind !== "closed") await listen(server, address.port);
    },
    close: shut,
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}
