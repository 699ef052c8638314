import assert from "node:assert/strict";

import { chooseRedirect, readCallback } from "../../../extension/account/redirect.ts";

describe("how the browser returns", () => {
  for (const [external, kind] of [
    ["vscode://openrouter-keys.openrouter-keys/auth?windowId=3", "editor"],
    ["cursor://openrouter-keys.openrouter-keys/auth", "editor"],
    ["https://name.github.dev/extension-auth-callback?vscode-reqid=1", "editor"],
    ["http://127.0.0.1:8080/stable/callback?vscode-reqid=1", "loopback"],
    ["http://localhost:8080/callback", "loopback"],
    ["http://code.intranet:8080/callback", "none"],
    ["", "none"],
  ] as const) {
    it(`is by ${kind} from ${external === "" ? "an editor without an address" : external}`, () => {
      const redirect = chooseRedirect(external);
      assert.deepEqual([redirect.kind, redirect.kind === "editor" ? redirect.address : external], [kind, external]);
    });
  }
});

describe("a callback", () => {
  for (const [what, path, query, kind] of [
    ["with the code and our state", "/auth", "code=abc&state=s1", "code"],
    ["with further parameters of the editor's", "/auth", "windowId=1&code=abc&state=s1", "code"],
    ["with a refusal and our state", "/auth", "error=forbidden&error_description=No.&state=s1", "refused"],
    ["with another state", "/auth", "code=abc&state=s2", "not-ours"],
    ["without a state", "/auth", "code=abc", "not-ours"],
    ["with two states", "/auth", "code=abc&state=s1&state=s2", "not-ours"],
    ["with a refusal and another state", "/auth", "error=forbidden&state=s2", "not-ours"],
    ["without a code", "/auth", "state=s1", "not-ours"],
    ["with an empty code", "/auth", "code=&state=s1", "not-ours"],
    ["to another path", "/settings", "code=abc&state=s1", "not-ours"],
    ["with nothing", "/auth", "", "not-ours"],
  ] as const) {
    it(`${what} is read as ${kind}`, () => {
      assert.equal(readCallback({ path, query }, "/auth", "s1").kind, kind);
    });
  }
});
