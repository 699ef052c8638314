import assert from "node:assert/strict";

import { openLoopback } from "../../../extension/account/loopback.ts";

describe("the listener that ends a sign-in", () => {
  it("answers with a page that is whole by itself and kept nowhere", async () => {
    const listener = await openLoopback(() => "done");
    try {
      const response = await fetch(`${listener.address}?code=abc&state=s1`);
      const page = await response.text();
      const { protocol, hostname, pathname } = new URL(listener.address);
      assert.deepEqual(
        {
          address: [protocol, hostname, pathname],
          status: response.status,
          cache: response.headers.get("Cache-Control"),
          referrer: response.headers.get("Referrer-Policy"),
          policy: response.headers.get("Content-Security-Policy")?.split(";")[0],
          says: page.includes("You can close this tab"),
          dark: page.includes("color-scheme: light dark"),
          outside: /<script|src=|href=|https?:/.test(page),
          echoes: page.includes("abc") || page.includes("s1"),
        },
        {
          address: ["http:", "127.0.0.1", "/auth"],
          status: 200,
          cache: "no-store",
          referrer: "no-referrer",
          policy: "default-src 'none'",
          says: true,
          dark: true,
          outside: false,
          echoes: false,
        },
      );
    } finally {
      listener.close();
    }
    await assert.rejects(fetch(listener.address));
  });

  it("goes on waiting after requests that are not the one", async () => {
    const seen: string[] = [];
    const listener = await openLoopback(({ query }) => {
      seen.push(query);
      return query === "state=right" ? "done" : "not-ours";
    });
    try {
      const statuses = [];
      for (const [path, method] of [
        ["/", "GET"],
        ["/auth?state=right", "POST"],
        ["/auth?state=wrong", "GET"],
        ["/auth?state=right", "GET"],
      ] as const) {
        statuses.push((await fetch(new URL(path, listener.address), { method })).status);
      }
      assert.deepEqual({ statuses, seen }, { statuses: [404, 404, 404, 200], seen: ["state=wrong", "state=right"] });
    } finally {
      listener.close();
    }
  });
});
