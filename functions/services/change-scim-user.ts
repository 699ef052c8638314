import { ScimFault, applyPatch, readUser } from "../policy/scim-user.ts";
import type { ScimUser } from "../policy/scim-user.ts";
import type { Clock } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import type { ScimRecord, ScimStore } from "./scim-store.ts";

export interface ScimDeps {
  readonly store: ScimStore;
  readonly clock: Clock;
  /**
   * Called whenever a provider says that somebody is not active, also again: ends the person's sessions, which a new
   * sign-in undoes. Keys are not revoked here: a wrongly scoped assignment pushes everybody, and the brake is nightly.
   */
  readonly deactivated: (record: ScimRecord) => Promise<void>;
}

const mostTries = 5;

/** A POST. Throws ScimFault. */
export async function addScimUser(deps: ScimDeps, body: unknown): Promise<ScimRecord> {
  const now = deps.clock();
  const record: ScimRecord = {
    id: crypto.randomUUID(),
    user: readUser(body),
    version: 1,
    createdAt: now,
    changedAt: now,
  };
  if ((await deps.store.add(record)) === "taken") throw taken();
  return announce(deps, record);
}

/** A PUT. Throws ScimFault, and `not_found`. */
export function replaceScimUser(deps: ScimDeps, id: string, body: unknown): Promise<ScimRecord> {
  return change(deps, id, (before) => readUser(body, before));
}

/** A PATCH. Throws ScimFault, and `not_found`. */
export function patchScimUser(deps: ScimDeps, id: string, body: unknown): Promise<ScimRecord> {
  return change(deps, id, (before) => applyPatch(before, body));
}

/** A DELETE: the person is deactivated and stays readable, since the nightly run is yet to ask. Throws `not_found`. */
export async function deactivateScimUser(deps: ScimDeps, id: string): Promise<void> {
  await change(deps, id, (before) => ({ ...before, active: false }));
}

/** Safe to repeat: each is a whole new state over the one that was read, or is read again. */
async function change(deps: ScimDeps, id: string, next: (before: ScimUser) => ScimUser): Promise<ScimRecord> {
  for (let attempt = 1; attempt <= mostTries; attempt += 1) {
    const before = await deps.store.find(id);
    if (before === undefined) throw new ServiceError("not_found", "There is no such user.");
    const record: ScimRecord = {
      ...before,
      user: next(before.user),
      version: before.version + 1,
      changedAt: deps.clock(),
    };
    const outcome = await deps.store.save(record);
    if (outcome === "taken") throw taken();
    if (outcome === "saved") return announce(deps, record);
  }
  throw new ServiceError("conflict", "The user is being changed by others. Try again.", { retryAfter: 1 });
}

async function announce(deps: ScimDeps, record: ScimRecord): Promise<ScimRecord> {
  if (record.user.active === false) await deps.deactivated(record);
  return record;
}

function taken(): ScimFault {
  return new ScimFault("uniqueness", "Another user has this userName.");
}
