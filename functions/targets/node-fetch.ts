import type { Dispatcher, request } from "undici";

import type { Fetch } from "../adapters/openrouter/provisioner.ts";

/** How Node asks other services. `close` ends its connections. */
export interface NodeFetch {
  readonly fetch: Fetch;
  /** Loads what the first request would wait for. */
  readonly prepare: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * What the function needs of `fetch`, by undici's plain requests: the web's streams and headers, which nothing here
 * uses, cost more than the rest of a request. Through the proxy that the environment names; no redirect is followed.
 * undici takes as long to load as the whole function, and a start needs nothing of other services.
 */
export function createNodeFetch(): NodeFetch {
  let opened: Promise<Opened> | undefined;
  return {
    async fetch(url, { method, headers, body, signal }) {
      const { agent, request } = await (opened ??= open());
      const response = await request(url, {
        method,
        // Plain text: nothing here would unpack another.
        headers: { "User-Agent": "openrouter-keys", "Accept-Encoding": "identity", ...headers },
        body: body ?? null,
        signal,
        dispatcher: agent,
      });
      const { statusCode: status } = response;
      if (status >= 300 && status < 400) {
        await response.body.dump();
        throw new Error("The answer leads elsewhere.");
      }
      return {
        status,
        headers: {
          get(name) {
            const value = response.headers[name.toLowerCase()];
            return value === undefined ? null : typeof value === "string" ? value : value.join(", ");
          },
        },
        text: () => response.body.text(),
      };
    },
    async prepare() {
      await (opened ??= open());
    },
    async close() {
      await (await opened)?.agent.close();
    },
  };
}

interface Opened {
  readonly agent: Dispatcher;
  readonly request: typeof request;
}

async function open(): Promise<Opened> {
  const { EnvHttpProxyAgent, request } = await import("undici");
  return {
    agent: new EnvHttpProxyAgent({ connections: 64, connect: { timeout: 5_000 }, keepAliveTimeout: 30_000 }),
    request,
  };
}
