import assert from "node:assert/strict";

import { createKey } from "../../../extension/ui/create-key.ts";
import { askKeyOptions } from "../../../extension/ui/key-options.ts";
import { createEditor, settled } from "../support/editor.ts";

const amount = "How much may the key spend";
const time = "How long should it work?";
const name = "A name for the key";

async function create(...answers: readonly (readonly [text: string, answer: unknown])[]) {
  const editor = await createEditor({ answers: [...answers] });
  editor.remote.me = { ...editor.remote.me, allowanceUsd: 40 };
  const end = await createKey(editor.createKeyDeps, (me, usualUsd) =>
    askKeyOptions(editor.dialogs, me, usualUsd, editor.clock.now()),
  ).then(
    () => "done",
    () => "cancelled",
  );
  await settled();
  const sent = editor.remote.requests
    .filter(({ method, url }) => method === "POST" && url.endsWith("/v1/keys"))
    .map(({ body }) => JSON.parse(body))
    .map(({ name, limitUsd, expiresAt }) => [name, limitUsd, expiresAt]);
  return { end, sent, shown: editor.dialogs.shown };
}

describe("the command Create OpenRouter Key With Options", () => {
  it("offers what the plan and the budget allow, and says what was chosen before the key is made", async () => {
    const { end, sent, shown } = await create([amount, "$10"], [time, "7 days"], [name, "demo"]);
    assert.deepEqual(
      [end, sent, shown.slice(0, 3)],
      [
        "done",
        [["demo", 10, "2026-12-01T10:00:00.000Z"]],
        [
          "pick: How much may the key spend a month? ($2) ($5) ($10) ($20) ($25) ($30) ($40) (Another Amount…)",
          "pick: How long should it work? (1 day) (3 days) (7 days) (14 days) (30 days) (60 days) (90 days) (Another Number of Days…)",
          "input: A name for the key. It may spend $10 a month and works until 1 Dec 2026. (laptop)",
        ],
      ],
    );
  });

  it("leaves the longest time to the function, and takes any number within the plan", async () => {
    const { sent } = await create(
      [amount, "Another Amount…"],
      ["at most $40", "12.50"],
      [time, "90 days"],
      [name, "demo"],
    );
    const beyond = await create([amount, "Another Amount…"], ["at most $40", "40.01"]);
    assert.deepEqual([sent, beyond.end, beyond.sent], [[["demo", 12.5, undefined]], "cancelled", []]);
  });
});
