import assert from "node:assert/strict";
import { readAnswer, readRequest, writeAnswer, writeRequest } from "../../../extension/key-helper/protocol.ts";

describe("what the helper and a window say to each other", () => {
  const window = { address: "\\\\.\\pipe\\openrouter-keys-x", token: "a".repeat(64) };
  const stranger = { ...window, token: "b".repeat(64) };
  const nonce = "0123456789abcdef".repeat(2);
  const line = (text: string): string => text.slice(0, -1);

  it("lets the window recognise the helper, and nobody who lacks the token", () => {
    assert.deepStrictEqual(
      [window, stranger].map((asking) => readRequest(window, line(writeRequest(asking, nonce)))),
      [nonce, undefined],
    );
  });

  it("lets the helper recognise the window, and nobody who took over its pipe or repeats an old answer", () => {
    const answer = { kind: "key", secret: "sk-or-v1-1" } as const;
    assert.deepStrictEqual(
      [
        readAnswer(window, nonce, line(writeAnswer(window, nonce, answer))),
        readAnswer(window, nonce, line(writeAnswer(stranger, nonce, answer))),
        readAnswer(window, "f".repeat(32), line(writeAnswer(window, nonce, answer))),
        readAnswer(window, nonce, line(writeRequest(window, nonce))),
      ],
      [answer, undefined, undefined, undefined],
    );
  });

  it("never sends the token", () => {
    const said = writeRequest(window, nonce) + writeAnswer(window, nonce, { kind: "none" });
    assert.ok(!said.includes(window.token));
  });
});
