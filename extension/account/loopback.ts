import { createServer, type ServerResponse } from "node:http";

import { redirectPath } from "../../functions/contract/paths.ts";
import type { Callback } from "./redirect.ts";
import { t } from "../base/words.ts";

export interface LoopbackListener {
  /** `http://127.0.0.1:<port>/auth`. */
  readonly address: string;
  close(): void;
}

/**
 * Listens on 127.0.0.1 for the one request that ends a sign-in, at a random port unless told. `accept` says whether a
 * request is it; others get 404 and the listener goes on. The caller closes it.
 */
export async function openLoopback(
  accept: (callback: Callback) => "done" | "refused" | "not-ours",
  port = 0,
): Promise<LoopbackListener> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (request.method !== "GET" || url.pathname !== redirectPath) {
      answer(response, 404, t("Not found"), t("There is nothing here."));
      return;
    }
    const verdict = accept({ path: url.pathname, query: url.search.slice(1) });
    if (verdict === "done")
      answer(response, 200, t("Signed in"), t("You can close this tab and go back to the editor."));
    else if (verdict === "refused")
      answer(response, 200, t("Not signed in"), t("The editor says why. You can close this tab."));
    else answer(response, 404, t("Not expected"), t("No sign-in is waiting for this. Start again in the editor."));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port }, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("The listener has no port.");
  return {
    address: `http://127.0.0.1:${bound.port}${redirectPath}`,
    close: () => {
      server.close();
      // The answer is on its way; a browser's spare connections would keep the port open.
      server.closeIdleConnections();
    },
  };
}

function answer(response: ServerResponse, status: number, title: string, sentence: string): void {
  response.writeHead(status, {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    Connection: "close",
  });
  response.end(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title} · OpenRouter Keys</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 18vh auto; max-width: 28rem; padding: 0 1.5rem; text-align: center; }
h1 { font-size: 1.5rem; font-weight: 600; margin: 0 0 .5rem; }
p { margin: 0; opacity: .8; }
</style></head>
<body><main><h1>${title}</h1><p>${sentence}</p></main></body></html>
`);
}
