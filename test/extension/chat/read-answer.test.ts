import assert from "node:assert/strict";

import { type AnswerPiece, readAnswer } from "../../../extension/chat/read-answer.ts";

const text = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: finish }] })}\n\n`;

async function read(stream: string, size = 7): Promise<AnswerPiece[]> {
  const bytes = new TextEncoder().encode(stream);
  async function* inPieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
  }
  const pieces: AnswerPiece[] = [];
  for await (const piece of readAnswer(inPieces())) pieces.push(piece);
  return pieces;
}

describe("a streamed answer", () => {
  it("is the same however the network cuts it, with comments and line ends of any kind", async () => {
    const stream = `: OPENROUTER PROCESSING\n\n${text("Grüße")}${text(" 💻", "stop")}data: [DONE]\n\n`;
    const expected = [
      { kind: "text", text: "Grüße" },
      { kind: "text", text: " 💻" },
    ];
    for (const size of [1, 2, 3, 5, 1000]) {
      assert.deepEqual(await read(stream, size), expected);
      assert.deepEqual(await read(stream.replaceAll("\n", "\r\n"), size), expected);
    }
  });

  it("is known to be broken when it ends too soon", async () => {
    assert.deepEqual(await read(text("Hal")), [{ kind: "text", text: "Hal" }, { kind: "broken" }]);
  });

  it("ends where an error comes in the middle", async () => {
    const error = { error: { code: 429, message: "slow down" }, choices: [{ delta: {}, finish_reason: "error" }] };
    const pieces = await read(`${text("Hal")}data: ${JSON.stringify(error)}\n\n${text("lo", "stop")}`);
    assert.deepEqual(pieces, [
      { kind: "text", text: "Hal" },
      { kind: "failed", status: 429, text: JSON.stringify(error) },
    ]);
  });

  it("keeps two calls of tools apart that come in turns, one without arguments", async () => {
    const call = (index: number, rest: object) =>
      `data: ${JSON.stringify({ choices: [{ delta: { tool_calls: [{ index, ...rest }] }, finish_reason: null }] })}\n\n`;
    const pieces = await read(
      call(0, { id: "a", function: { name: "weather", arguments: '{"city":' } }) +
        call(1, { id: "b", function: { name: "time" } }) +
        call(0, { function: { arguments: '"Oslo"}' } }) +
        text("", "tool_calls"),
    );
    assert.deepEqual(pieces, [
      { kind: "call", id: "a", name: "weather", input: { city: "Oslo" } },
      { kind: "call", id: "b", name: "time", input: {} },
    ]);
  });
});
