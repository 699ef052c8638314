import assert from "node:assert/strict";

import { CancelledError } from "../../../extension/base/errors.ts";
import { checkLive } from "../../../extension/keys/live-check.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const secret = "sk-or-v1-1234";

async function checkAgainst(...answers: (() => Response | Promise<never>)[]) {
  const clock = createManualClock();
  const log = createRecordingLog();
  const asked: string[] = [];
  const fetch = async (input: string, init: RequestInit): Promise<Response> => {
    asked.push(`${input} ${new Headers(init.headers).get("Authorization")} ${init.redirect}`);
    const answer = answers.shift();
    assert.ok(answer !== undefined, "asked too often");
    return answer();
  };
  const check = await checkLive(
    { fetch, clock, log },
    "https://openrouter.test/api/v1",
    secret,
    new AbortController().signal,
  );
  const said = `${JSON.stringify(check)} ${log.lines.join(" ")}`;
  return { check, asked, slept: clock.slept, leaked: said.includes(secret) };
}

const works = () => Response.json({ data: { label: "sk-or-v1-…" } });
const refused = () => Response.json({ error: { message: "No", code: 401 } }, { status: 401 });

describe("the live check of a key", () => {
  it("asks OpenRouter with the key itself", async () => {
    assert.deepEqual(await checkAgainst(works), {
      check: { kind: "works" },
      asked: [`https://openrouter.test/api/v1/key Bearer ${secret} error`],
      slept: [],
      leaked: false,
    });
  });

  it("gives OpenRouter some seconds to know a key that was just made", async () => {
    const { check, slept } = await checkAgainst(refused, refused, works);
    assert.deepEqual({ check, slept }, { check: { kind: "works" }, slept: [1000, 3000] });
  });

  for (const [situation, answers, message] of [
    ["refuses the key for good", [refused, refused, refused], /does not accept the key yet/],
    ["is in trouble", [() => new Response("busy", { status: 503 })], /could not check the key just now \(HTTP 503\)/],
    ["is a web page", [() => new Response("<html>", { status: 200 })], /not as OpenRouter does/],
    [
      "cannot be reached",
      [() => Promise.reject(new TypeError(`failed ${secret.slice(0, 3)}`))],
      /could not be reached/,
    ],
  ] satisfies [string, (() => Response | Promise<never>)[], RegExp][]) {
    it(`says so when openrouter.test ${situation}`, async () => {
      const { check, leaked } = await checkAgainst(...answers);
      assert.equal(leaked, false);
      assert.ok(check.kind === "doubtful");
      assert.match(check.message, message);
    });
  }

  it("ends when the person cancels", async () => {
    const stop = new AbortController();
    const fetch = async (): Promise<never> => {
      stop.abort();
      throw new Error("aborted");
    };
    const deps = { fetch, clock: createManualClock(), log: createRecordingLog() };
    const error = await checkLive(deps, "https://openrouter.test", secret, stop.signal).catch(
      (caught: unknown) => caught,
    );
    assert.ok(error instanceof CancelledError);
  });
});
