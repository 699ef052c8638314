import { EnvHttpProxyAgent, request } from "undici";

import type { Fetch } from "../adapters/openrouter/provisioner.ts";

/** How Node asks other services. `close` ends its connections. */
export interface NodeFetch {
  readonly fetch: Fetch;
  readonly close: () => Promise<void>;
}

/**
 * What the function needs of `fetch`, by undici's plain requests: the web's streams and headers, which nothing here
 * uses, cost more than the rest of a request. Through the proxy that the environment names; no redirect is followed.
 */
export function createNodeFetch(): NodeFetch {
  const agent = new EnvHttpProxyAgent({ connections: 64, connect: { timeout: 5_000 }, keepAliveTimeout: 30_000 });
  return {
    async fetch(url, { method, headers, body, signal }) {
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
    close: () => agent.close(),
  };
}
