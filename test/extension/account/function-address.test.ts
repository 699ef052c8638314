import assert from "node:assert/strict";

import { readFunctionAddress, readOpenRouterUrl } from "../../../extension/account/function-address.ts";

describe("the address of the function", () => {
  for (const [text, base] of [
    ["https://keys.example.com", "https://keys.example.com"],
    ["  https://Keys.Example.com/  ", "https://keys.example.com"],
    ["https://example.com/team/keys//", "https://example.com/team/keys"],
    ["https://keys.example.com:8443", "https://keys.example.com:8443"],
    ["http://localhost:8787", "http://localhost:8787"],
    ["http://127.0.0.1:8787/", "http://127.0.0.1:8787"],
    ["http://127.1", "http://127.0.0.1"],
    ["http://[::1]:8787", "http://[::1]:8787"],
  ] as const) {
    it(`may be ${text}`, () => {
      assert.deepEqual(readFunctionAddress(text), { kind: "address", address: { base, origin: new URL(base).origin } });
    });
  }

  for (const [text, reason] of [
    ["keys.example.com", /is not an address\. Write it like https:\/\/keys\.example\.com/],
    ["ftp://keys.example.com", /has to begin with https:\/\//],
    ["javascript:alert(1)", /has to begin with https:\/\//],
    ["http://keys.example.com", /uses http, .* Use https:\/\/keys\.example\.com instead/],
    ["http://localhost.example.com", /uses http/],
    ["http://127.0.0.1.example.com", /uses http/],
    ["http://0.0.0.0:8787", /uses http/],
    ["https://ada@keys.example.com", /user name or a password/],
    ["https://ada:secret@keys.example.com", /user name or a password/],
    ["https://keys.example.com?tenant=1", /contains a \? or a #/],
    ["https://keys.example.com/?", /contains a \? or a #/],
    ["https://keys.example.com/#top", /contains a \? or a #/],
  ] as const) {
    it(`may not be ${text}, and the reason says what to do`, () => {
      const reading = readFunctionAddress(text);
      assert.ok(reading.kind === "fault");
      assert.match(reading.message, reason);
      assert.doesNotMatch(reading.message, /secret/);
    });
  }

  it("may be missing", () => {
    assert.deepEqual(readFunctionAddress("  "), { kind: "none" });
  });
});

describe("the address of OpenRouter", () => {
  it("follows the same rules under its own name", () => {
    const reading = readOpenRouterUrl("http://openrouter.ai/api/v1");
    assert.match(reading.kind === "fault" ? reading.message : "", /^openrouterKeys\.openRouterUrl uses http/);
  });
});
