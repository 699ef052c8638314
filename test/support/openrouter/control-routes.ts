import { Hono } from "hono";
import * as z from "zod/mini";

import { liveKey, liveKeys } from "./account.ts";
import type { Account } from "./account.ts";
import { answer } from "./answers.ts";
import { parseJson } from "./context.ts";
import { FaultRuleSchema } from "./fault-rules.ts";
import type { FaultRules } from "./fault-rules.ts";
import { keyObject } from "./key-object.ts";
import { KnobChangesSchema } from "./knobs.ts";
import type { Recorder } from "./recorder.ts";

const time = z.iso.datetime();
const ClockBody = z.union([z.strictObject({ set: time }), z.strictObject({ advanceMs: z.number() })]);
const SpendBody = z.strictObject({
  hash: z.string(),
  usd: z.number(),
  at: z.optional(time),
  isByok: z._default(z.boolean(), false),
});

/**
 * /stand-in/…: what the handle does in process, for tests in other processes. No credential: it is on loopback.
 * GET /keys · GET, DELETE /requests · GET, POST, PUT, DELETE /faults · GET, PATCH, DELETE /knobs · GET, POST /clock ·
 * POST /spend. A body that is not exactly right: 400 `{error}` and nothing changed.
 */
export function controlRoutes(account: Account, recorder: Recorder, rules: FaultRules): Hono {
  const routes = new Hono({ strict: false });
  const { clock, knobs } = account;
  const time = () => answer(200, { now: clock.now().toISOString() });

  routes.get("/keys", () =>
    answer(200, { keys: liveKeys(account).map((key) => keyObject(account, key, clock.now())) }),
  );

  routes.get("/requests", () => answer(200, { requests: recorder.requests }));
  routes.delete("/requests", () => {
    recorder.clear();
    return answer(200, { requests: recorder.requests });
  });

  const faults = () => answer(200, { rules: rules.list() });
  routes.get("/faults", faults);
  routes.post("/faults", async (c) => {
    const parsed = FaultRuleSchema.safeParse(parseJson(await c.req.text()));
    if (!parsed.success) return wrong(parsed.error);
    rules.add(parsed.data);
    return faults();
  });
  routes.put("/faults", async (c) => {
    const parsed = z.array(FaultRuleSchema).safeParse(parseJson(await c.req.text()));
    if (!parsed.success) return wrong(parsed.error);
    rules.clear();
    for (const rule of parsed.data) rules.add(rule);
    return faults();
  });
  routes.delete("/faults", () => {
    rules.clear();
    return faults();
  });

  routes.get("/knobs", () => answer(200, knobs.read()));
  routes.patch("/knobs", async (c) => {
    const parsed = KnobChangesSchema.safeParse(parseJson(await c.req.text()));
    if (!parsed.success) return wrong(parsed.error);
    knobs.turn(parsed.data);
    return answer(200, knobs.read());
  });
  routes.delete("/knobs", () => {
    knobs.reset();
    return answer(200, knobs.read());
  });

  routes.get("/clock", time);
  routes.post("/clock", async (c) => {
    const parsed = ClockBody.safeParse(parseJson(await c.req.text()));
    if (!parsed.success) return wrong(parsed.error);
    if ("set" in parsed.data) clock.set(new Date(parsed.data.set));
    else clock.advance(parsed.data.advanceMs);
    return time();
  });

  routes.post("/spend", async (c) => {
    const parsed = SpendBody.safeParse(parseJson(await c.req.text()));
    if (!parsed.success) return wrong(parsed.error);
    const { hash, usd, at, isByok } = parsed.data;
    const key = liveKey(account, hash);
    if (key === undefined) return answer(404, { error: `no key ${hash}` });
    account.ledger.record(hash, { at: at === undefined ? clock.now() : new Date(at), usd, isByok });
    return answer(200, { key: keyObject(account, key, clock.now()) });
  });

  return routes;
}

function wrong(error: z.core.$ZodError): Response {
  return answer(400, { error: z.prettifyError(error) });
}
