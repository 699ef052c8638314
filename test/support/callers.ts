import assert from "node:assert/strict";

import type { Key } from "../../functions/contract/keys.ts";
import { CreateKeyAnswer } from "../../functions/contract/keys.ts";
import { ProblemAnswer } from "../../functions/contract/problem.ts";
import type { Answer, Caller, RunningFunction } from "./function.ts";
import { createKit } from "./function.ts";

/** What tests of the function do again and again, as a person's editor would. */

export async function create(caller: Caller, wish: Readonly<Record<string, unknown>>): Promise<Key> {
  return CreateKeyAnswer.parse((await tryCreate(caller, wish)).body).key;
}

export async function tryCreate(caller: Caller, wish: Readonly<Record<string, unknown>>): Promise<Answer> {
  const kit = await createKit();
  return caller.call("POST", "/v1/keys", { body: { ...wish, recipient: kit.recipient }, headers: kit.headers });
}

export function codeOf(answer: Answer): string {
  return answer.status < 400 ? String(answer.status) : ProblemAnswer.parse(answer.body).code;
}

export function count(answers: readonly Answer[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const code of answers.map(codeOf)) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

export function pick(body: unknown, ...names: readonly string[]): readonly unknown[] {
  const fields = new Map(Object.entries(Object(body)));
  return names.map((name) => fields.get(name));
}

/** What somebody does in OpenRouter's own console, past the function. */
export async function manage(
  { openRouter }: Pick<RunningFunction, "openRouter">,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(`${openRouter.apiUrl}${path}`, {
    method,
    headers: { Authorization: `Bearer ${openRouter.managementKey}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  assert.ok(response.ok, `OpenRouter's stand-in answered ${method} ${path} with ${response.status}`);
  return response.json();
}
