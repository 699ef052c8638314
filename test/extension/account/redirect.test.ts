import assert from "node:assert/strict";

import { chooseRedirect, isBrowserHere, readCallback } from "../../../extension/account/redirect.ts";

const own = "openrouter-keys.openrouter-keys/auth";

describe("how the browser returns", () => {
  // What the editor makes of its own address; whether the browser is on this machine; the way.
  for (const [host, external, isHere, kind] of [
    ["a desktop", `vscode://${own}?windowId=3`, true, "editor"],
    ["a desktop over SSH, in WSL or in a container", `vscode-insiders://${own}?windowId=3`, false, "editor"],
    ["a fork of VS Code", `cursor://${own}`, true, "editor"],
    ["a fork that the function does not know", `acme-code://${own}`, true, "loopback"],
    ["such a fork over SSH", `acme-code://${own}`, false, "code"],
    ["a desktop that calls itself a script", `javascript://${own}`, false, "code"],
    ["a Codespace", "https://name.github.dev/extension-auth-callback?vscode-reqid=1", false, "page"],
    ["code-server over https", "https://code.example.com/stable/callback?vscode-reqid=1", true, "page"],
    ["code-server on this machine", "http://127.0.0.1:8080/stable/callback?vscode-reqid=1", true, "loopback"],
    ["code-server by its name", "http://localhost:8080/callback", true, "loopback"],
    ["code-server through a tunnel", "http://localhost:8080/callback", false, "code"],
    ["code-server without encryption", "http://code.intranet:8080/callback", true, "none"],
    ["an editor without an address", "", true, "loopback"],
    ["an editor without an address over SSH", "", false, "code"],
  ] as const) {
    it(`is by ${kind} to ${host}`, () => {
      const redirect = chooseRedirect(external, isHere);
      assert.deepEqual([redirect.kind, "address" in redirect ? redirect.address : external], [kind, external]);
    });
  }

  for (const [host, isWeb, remoteName, env, isHere] of [
    ["a desktop", false, undefined, {}, true],
    ["a desktop that was started in an SSH session's shell", false, undefined, { SSH_CONNECTION: "1" }, true],
    ["a remote machine of a desktop", false, "ssh-remote", {}, false],
    ["WSL", false, "wsl", {}, false],
    ["code-server on this machine", true, "127.0.0.1:8080", {}, true],
    ["code-server that was started over SSH", true, "127.0.0.1:8080", { SSH_CONNECTION: "1 2 3 4" }, false],
  ] as const) {
    it(`can be by a listener on the extension's machine: ${isHere ? "yes" : "no"}, for ${host}`, () => {
      assert.equal(isBrowserHere({ isWeb, remoteName, env }), isHere);
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
