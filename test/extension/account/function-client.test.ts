import assert from "node:assert/strict";

import * as z from "zod/mini";

import { type Call, createFunctionClient } from "../../../extension/account/function-client.ts";
import { FunctionError } from "../../../extension/account/function-error.ts";
import { CancelledError } from "../../../extension/base/errors.ts";
import { base, problem, token } from "../support/fake-function.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const call: Call = { address: { base, origin: base }, method: "GET", path: "/v1/me", token };
const Answer = z.object({ name: z.string() });

async function failureOf(
  answer: (init: RequestInit) => Promise<Response>,
  more: Partial<Call> = {},
): Promise<FunctionError> {
  const log = createRecordingLog();
  const client = createFunctionClient({ fetch: (_input, init) => answer(init), client: "test", log });
  const error = await client.ask({ ...call, ...more }, Answer).catch((caught: unknown) => caught);
  assert.ok(error instanceof FunctionError, String(error));
  assert.doesNotMatch(log.lines.join("\n"), /ors_/);
  return error;
}

describe("asking the function", () => {
  it("says who is asking, follows no redirect, and ignores what it does not know in an answer", async () => {
    const sent: unknown[] = [];
    const fetch = async (input: string, init: RequestInit): Promise<Response> => {
      const headers = Object.fromEntries(new Headers(init.headers));
      sent.push({ input, method: init.method, redirect: init.redirect, headers });
      return Response.json({ name: "ada", more: 1 });
    };
    const client = createFunctionClient({
      fetch,
      client: "openrouter-keys/0.1.0 vscode/1.106.0",
      log: createRecordingLog(),
    });
    const answer = await client.ask(call, Answer);
    assert.deepEqual(
      { answer, sent },
      {
        answer: { name: "ada" },
        sent: [
          {
            input: `${base}/v1/me`,
            method: "GET",
            redirect: "error",
            headers: {
              accept: "application/json",
              authorization: `Bearer ${token}`,
              "x-client": "openrouter-keys/0.1.0 vscode/1.106.0",
            },
          },
        ],
      },
    );
  });

  it("passes on the function's own words, made fit to show, with code and waiting time", async () => {
    const { message, code, status, retryAfter, requestId } = await failureOf(async () =>
      problem("upstream_busy", `Busy.\n\u202e${"x".repeat(400)}`, 7),
    );
    assert.deepEqual(
      { message: message.slice(0, 8), length: message.length, code, status, retryAfter, requestId },
      { message: "Busy. xx", length: 300, code: "upstream_busy", status: 503, retryAfter: 7, requestId: "request-1" },
    );
  });

  it("takes a code that it does not know from a function that is ahead of it", async () => {
    const body = { status: 422, code: "no_fridays", detail: "Not on Fridays." };
    const { message, code } = await failureOf(async () => Response.json(body, { status: 422 }));
    assert.deepEqual([message, code], ["Not on Fridays.", "unknown_code"]);
  });

  const html = { "Content-Type": "text/html" };
  for (const [situation, answer, code, sentence] of [
    [
      "cannot be reached",
      () => Promise.reject(new TypeError("fetch failed")),
      "unreachable",
      /^Could not reach https:\/\/keys\.test\. Check/,
    ],
    [
      "answers with a web page",
      async () => new Response("<!doctype html>", { headers: html }),
      "web_page",
      /^https:\/\/keys\.test answered with a web page instead of data: is openrouterKeys\.functionUrl the address of the function\?$/,
    ],
    [
      "has no such page",
      async () => new Response("<h1>Not found", { status: 404, headers: html }),
      "web_page",
      /web page/,
    ],
    ["answers with something else", async () => new Response("hello"), "not_json", /something that is not data/],
    [
      "is another service",
      async () => Response.json({ hello: 1 }),
      "not_the_function",
      /not as the function of OpenRouter Keys does/,
    ],
    [
      "is another service that refuses",
      async () => Response.json({ error: "x" }, { status: 403 }),
      "not_the_function",
      /not as the function/,
    ],
    [
      "sits behind a broken gateway",
      async () => new Response("<html>secret detail", { status: 502, headers: html }),
      "gateway",
      /not working at the moment \(HTTP 502\)/,
    ],
  ] satisfies [string, () => Promise<Response>, FunctionError["code"], RegExp][]) {
    it(`has a sentence of its own when the address ${situation}`, async () => {
      const error = await failureOf(answer);
      assert.equal(error.code, code);
      assert.match(error.message, sentence);
      assert.doesNotMatch(error.message, /secret detail/);
    });
  }

  const untilAborted = ({ signal }: RequestInit): Promise<never> =>
    new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

  it("has a sentence of its own when the answer takes too long", async () => {
    const error = await failureOf(untilAborted, { timeout: 20 });
    assert.deepEqual([error.code, /did not answer within/.test(error.message)], ["too_slow", true]);
  });

  it("ends silently when the person cancels", async () => {
    const stop = new AbortController();
    const client = createFunctionClient({
      fetch: (_input, init) => untilAborted(init),
      client: "test",
      log: createRecordingLog(),
    });
    const asking = client.ask({ ...call, signal: stop.signal }, Answer).catch((caught: unknown) => caught);
    stop.abort();
    assert.ok((await asking) instanceof CancelledError);
  });
});
