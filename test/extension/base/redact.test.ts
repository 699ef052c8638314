import assert from "node:assert/strict";

import { presentable } from "../../../extension/base/errors.ts";
import { redact } from "../../../extension/base/redact.ts";

const jwt = "eyJhbGciOiJFQ0RILUVTIn0..c2VjcmV0.c2VjcmV0.dGFn";

describe("what reaches the log", () => {
  for (const [what, text, expected] of [
    ["a session token", `got ors_${"a".repeat(43)}!`, "got ors_[redacted]!"],
    ["a key's secret", '{"key":"sk-or-v1-0123abc"}', '{"key":"sk-or-[redacted]"}'],
    ["a JWE", `sealed ${jwt} end`, "sealed [redacted JWT] end"],
    ["a bearer header of any kind", "Authorization: Bearer abc.def-1, next", "Authorization: Bearer [redacted], next"],
    ["a bearer header with our token", `bearer ors_${"a".repeat(43)}`, "bearer ors_[redacted]"],
    [
      "a one-time code in an address",
      "https://x.test/auth?code=abc&state=def&page=2",
      "https://x.test/auth?code=[redacted]&state=[redacted]&page=2",
    ],
    [
      "a verifier in a body",
      '{"code":"abc","codeVerifier":"def"}',
      '{"code":"[redacted]","codeVerifier":"[redacted]"}',
    ],
    ["an e-mail address", "ada.l+x@example.test signed in", "[redacted address] signed in"],
  ] as const) {
    it(`is free of ${what}`, () => {
      assert.equal(redact(text), expected);
    });
  }

  it("is otherwise as it was written", () => {
    const text = "POST /v1/keys: 503 (request-1) node_modules/@types/node state of things";
    assert.equal(redact(text), text);
  });
});

describe("text from elsewhere", () => {
  it("is shown without control and direction characters, on one line, and not too long", () => {
    assert.deepEqual(
      [presentable("a\u202eb\n\u0007c\td  "), presentable("é".repeat(400)).length, presentable("ab", 2)],
      ["a b c d", 300, "ab"],
    );
  });
});
