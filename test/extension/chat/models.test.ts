import assert from "node:assert/strict";

import { chooseModels, readModels } from "../../../extension/chat/models.ts";
import { countTokens } from "../../../extension/chat/token-count.ts";
import { makeKey } from "../../support/openrouter/calls.ts";
import { startOpenRouter } from "../../support/openrouter/stand-in.ts";
import { createRecordingLog } from "../support/recording-log.ts";

describe("the models to choose from", () => {
  it("are those that the key may use and that talk; without a wish, those that can call tools", async () => {
    const standIn = await startOpenRouter();
    try {
      const { secret } = await makeKey(standIn);
      const deps = { fetch, log: createRecordingLog(), keyNow: async () => undefined };
      const models = await readModels(deps, {
        base: standIn.apiUrl,
        secret,
        signal: new AbortController().signal,
      });
      const idsOf = (wanted: readonly string[]) => chooseModels(models, wanted).map(({ id }) => id);
      assert.deepEqual(
        {
          asked: standIn.requests.at(-1)?.path,
          all: models.some(({ id }) => id.includes("flux")),
          mini: models.find(({ id }) => id === "openai/gpt-5-mini"),
          unasked: [idsOf([]).length, idsOf([]).includes("deepseek/deepseek-prover")],
          wanted: idsOf(["openai/*", "DeepSeek/deepseek-prover", "google/gemini.3-flash"]),
        },
        {
          asked: "/api/v1/models/user",
          all: false,
          mini: {
            id: "openai/gpt-5-mini",
            name: "OpenAI: GPT-5 Mini",
            family: "openai",
            description: "OpenAI: GPT-5 Mini, as the stand-in has it",
            maxInputTokens: 136_000,
            maxOutputTokens: 64_000,
            takesImages: true,
            callsTools: true,
          },
          unasked: [7, false],
          wanted: ["openai/gpt-5-mini", "deepseek/deepseek-prover"],
        },
      );
    } finally {
      await standIn.stop();
    }
  });

  it("count tokens without asking anybody, rather too many than too few for other scripts", () => {
    const count = (text: string) => countTokens({ role: "user", parts: [{ kind: "text", text }] });
    assert.deepEqual([countTokens("eight ch"), count(""), count("日本語"), count("a".repeat(400))], [2, 4, 7, 104]);
  });
});
