import { Hono } from "hono";
import * as z from "zod/mini";

import { liveKey, newId } from "./account.ts";
import type { Account } from "./account.ts";
import { answer, messages, refusal } from "./answers.ts";
import { managementOnly } from "./auth.ts";
import { jsonBody } from "./context.ts";
import type { StandInEnv } from "./context.ts";
import { keyLabel, microsecondTime } from "./key-object.ts";
import { resetIntervals } from "./windows.ts";

const names = z.optional(z.nullable(z.array(z.string()).check(z.minLength(1))));

// A budget without an interval is refused; so is an empty list, since null is what lifts one.
const CreateBody = z
  .object({
    name: z.string().check(z.minLength(1), z.maxLength(200)),
    description: z.optional(z.nullable(z.string().check(z.maxLength(1000)))),
    limit_usd: z.optional(z.nullable(z.number())),
    reset_interval: z.optional(z.nullable(z.enum(resetIntervals))),
    include_byok_in_budgets: z.optional(z.boolean()),
    allowed_models: names,
    ignored_models: names,
    allowed_providers: names,
    ignored_providers: names,
    workspace_id: z.optional(z.uuid()),
  })
  .check(z.refine((body) => body.limit_usd == null || body.reset_interval != null));

/** What a guardrail may be made of, in the wire's names. */
export type GuardrailWishes = z.infer<typeof CreateBody>;

/** A guardrail as the management API shows it. */
export interface Guardrail extends Omit<GuardrailWishes, "workspace_id" | "include_byok_in_budgets"> {
  readonly id: string;
  readonly workspace_id: string;
  readonly include_byok_in_budgets: boolean;
  readonly created_at: string;
  readonly updated_at: string | null;
}

export function newGuardrail(wishes: GuardrailWishes, defaultWorkspaceId: string, now: Date): Guardrail {
  return {
    id: newId(),
    name: wishes.name,
    description: wishes.description ?? null,
    workspace_id: wishes.workspace_id ?? defaultWorkspaceId,
    limit_usd: wishes.limit_usd ?? null,
    reset_interval: wishes.reset_interval ?? null,
    include_byok_in_budgets: wishes.include_byok_in_budgets ?? false,
    allowed_models: wishes.allowed_models ?? null,
    ignored_models: wishes.ignored_models ?? null,
    allowed_providers: wishes.allowed_providers ?? null,
    ignored_providers: wishes.ignored_providers ?? null,
    created_at: microsecondTime(now),
    updated_at: null,
  };
}

const KeyHashes = z.object({ key_hashes: z.array(z.string()).check(z.minLength(1)) });

/** GET and POST /guardrails, GET /guardrails/{id}, and which keys are under which guardrail. */
export function guardrailRoutes(account: Account): Hono<StandInEnv> {
  const routes = new Hono<StandInEnv>({ strict: false });
  routes.use(managementOnly);

  routes.get("/", (c) => {
    const all = [...account.guardrails.values()];
    return answer(200, { data: pageOf(all, c.req.query()), total_count: all.length });
  });

  routes.post("/", (c) => {
    const parsed = CreateBody.safeParse(jsonBody(c));
    if (!parsed.success || !account.workspaces.has(parsed.data.workspace_id ?? account.defaultWorkspaceId)) {
      return refusal(c.req.path, 400, messages.badRequest);
    }
    const guardrail = newGuardrail(parsed.data, account.defaultWorkspaceId, account.clock.now());
    account.guardrails.set(guardrail.id, guardrail);
    return answer(201, { data: guardrail });
  });

  routes.get("/assignments/keys", (c) => {
    const all = assignmentObjects(account);
    return answer(200, { data: pageOf(all, c.req.query()), total_count: all.length });
  });

  routes.get("/:id", (c) => {
    const guardrail = account.guardrails.get(c.req.param("id"));
    return guardrail === undefined ? refusal(c.req.path, 404, messages.notFound) : answer(200, { data: guardrail });
  });

  routes.get("/:id/assignments/keys", (c) => {
    const guardrailId = c.req.param("id");
    if (!account.guardrails.has(guardrailId)) return refusal(c.req.path, 404, messages.notFound);
    const all = assignmentObjects(account).filter((assignment) => assignment.guardrail_id === guardrailId);
    return answer(200, { data: pageOf(all, c.req.query()), total_count: all.length });
  });

  routes.post("/:id/assignments/keys", (c) => {
    const guardrailId = c.req.param("id");
    if (!account.guardrails.has(guardrailId)) return refusal(c.req.path, 404, messages.notFound);
    const parsed = KeyHashes.safeParse(jsonBody(c));
    if (!parsed.success || parsed.data.key_hashes.some((hash) => liveKey(account, hash) === undefined)) {
      return refusal(c.req.path, 400, messages.badRequest);
    }
    for (const hash of parsed.data.key_hashes) {
      // A key is under one guardrail at most: assigning replaces.
      account.assignments.set(hash, { id: newId(), guardrailId, createdAt: account.clock.now() });
    }
    return answer(200, { assigned_count: parsed.data.key_hashes.length });
  });

  routes.post("/:id/assignments/keys/remove", (c) => {
    const guardrailId = c.req.param("id");
    if (!account.guardrails.has(guardrailId)) return refusal(c.req.path, 404, messages.notFound);
    const parsed = KeyHashes.safeParse(jsonBody(c));
    if (!parsed.success) return refusal(c.req.path, 400, messages.badRequest);
    const assigned = parsed.data.key_hashes.filter(
      (hash) => account.assignments.get(hash)?.guardrailId === guardrailId,
    );
    for (const hash of assigned) account.assignments.delete(hash);
    return answer(200, { unassigned_count: assigned.length });
  });

  return routes;
}

/** The guardrail that a key is under. */
export function guardrailOf(account: Account, keyHash: string): Guardrail | undefined {
  const assignment = account.assignments.get(keyHash);
  return assignment === undefined ? undefined : account.guardrails.get(assignment.guardrailId);
}

/** Whether the key's guardrail lets it use the model. */
export function isModelAllowed(account: Account, keyHash: string, model: string): boolean {
  const guardrail = guardrailOf(account, keyHash);
  const isListed = guardrail?.allowed_models?.includes(model) ?? true;
  return isListed && guardrail?.ignored_models?.includes(model) !== true;
}

function assignmentObjects(account: Account) {
  return [...account.assignments].flatMap(([hash, assignment]) => {
    const key = liveKey(account, hash);
    if (key === undefined) return [];
    return {
      id: assignment.id,
      guardrail_id: assignment.guardrailId,
      key_hash: hash,
      key_label: keyLabel(account, key),
      key_name: key.name,
      assigned_by: null,
      created_at: microsecondTime(assignment.createdAt),
    };
  });
}

const PageQuery = z.object({ offset: z.catch(z.coerce.number(), 0), limit: z.catch(z.coerce.number(), 50) });

function pageOf<Item>(items: readonly Item[], query: Record<string, string>): readonly Item[] {
  const { offset, limit } = PageQuery.parse({ offset: query["offset"] ?? 0, limit: query["limit"] ?? 50 });
  return items.slice(offset, offset + Math.min(Math.max(limit, 1), 100));
}
