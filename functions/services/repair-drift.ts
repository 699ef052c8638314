import type { ListedKey } from "../policy/drift.ts";
import { driftOf, mostRepairs, repairOf } from "../policy/drift.ts";
import { readMark } from "../policy/key-mark.ts";
import { clockActor } from "./audit.ts";
import { endVanished } from "./clear-overdue.ts";
import { mapLimited } from "./map-limited.ts";
import { keepSpendAge } from "./refresh-spend.ts";
import { createSightings } from "./sightings.ts";
import type { Deps } from "./deps.ts";
import type { KeyRow } from "./key-store.ts";
import type { UpstreamKey } from "./provisioner.ts";
import { UpstreamError } from "./provisioner.ts";

const leaseMs = 60_000;
const page = 1_000;
const atOnce = 16;
/** Pages of the list that are compared at once: each takes two of the database's connections. */
const pagesAtOnce = 5;

export interface Repaired {
  /** Keys and rows that were brought together again. */
  readonly repaired: number;
  readonly alerts: readonly string[];
  readonly isWhole: boolean;
}

/** What is to be done, as found in OpenRouter's list. */
interface Found {
  readonly orphans: UpstreamKey[];
  readonly strays: { readonly key: UpstreamKey; readonly row: KeyRow }[];
  readonly toLook: string[];
}

/**
 * Walks OpenRouter's list, keeps what it says of spend, and brings keys and rows together that have drifted apart:
 * keys that no row stands for, rows whose key is gone, keys that are enabled on one side only, limits that differ.
 * Only keys with this deployment's mark are ever looked at; everybody else's are no business of ours.
 */
export async function repairDrift(deps: Deps, signal: AbortSignal): Promise<Repaired> {
  const started = deps.clock();
  const deployment = await deps.keys.deployment();
  const found: Found = { orphans: [], strays: [], toLook: [] };
  const sightings = createSightings();
  const workspaces = await workspacesToWalk(deps);
  const alerts: string[] = [];
  let isWhole = true;
  let live = 0;
  for (const { workspaceId, keys } of workspaces) {
    live += keys;
    const underWay = new Set<Promise<unknown>>();
    try {
      for await (const listed of deps.provisioner.readAllKeys(workspaceId, keys, signal)) {
        for (const { hash } of listed) sightings.see(hash, true);
        const work = Promise.all([
          deps.keys.saveSpend(listed, started),
          compare(deps, deployment, listed, found),
        ]).finally(() => underWay.delete(work));
        // It is looked at below; failing before that, it would end the process as nobody's failure.
        work.catch(() => undefined);
        underWay.add(work);
        if (underWay.size >= pagesAtOnce) await Promise.race(underWay);
      }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      isWhole = false;
    } finally {
      await Promise.all(underWay);
    }
  }
  if (isWhole) await keepSpendAge(deps, started);
  else alerts.push("OpenRouter's list of keys could not be read to its end, so that drift was only partly repaired.");

  const most = mostRepairs(live);
  let repaired = 0;
  const tally = (count: number) => {
    repaired += count;
  };
  try {
    if (found.orphans.length > most) {
      alerts.push(
        `OpenRouter has ${found.orphans.length} keys with this deployment's mark that the database does not know. None was removed: check that DATABASE_URL names the right database, and that it was not put back from an old copy.`,
      );
    } else {
      tally(await inParallel(found.orphans, async (key) => remove(deps, key, undefined, signal)));
      if (found.orphans.length > 0) {
        alerts.push(
          `${count(found.orphans.length, "key")} with this deployment's mark that no row stood for: removed.`,
        );
      }
    }
    tally(await inParallel(found.strays, async ({ key, row }) => remove(deps, key, row, signal)));
    tally(await inParallel(found.toLook, async (keyId) => look(deps, keyId, alerts, signal)));
    if (isWhole) {
      const missing = await missingRows(deps, sightings, started, most + 1);
      if (missing.length > most) {
        alerts.push(
          "OpenRouter's list lacks many of the keys that the database has. None was taken for gone: check that OPENROUTER_MANAGEMENT_KEY is of the right account.",
        );
      } else {
        tally(await inParallel(missing, async (keyId) => look(deps, keyId, alerts, signal)));
      }
    }
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    isWhole = false;
    alerts.push("OpenRouter stopped answering while drift was repaired. The next run goes on.");
  }
  return { repaired, alerts, isWhole };
}

/** Where keys were ever made, and where plans say that they are made. */
async function workspacesToWalk(deps: Deps) {
  const known = await deps.drift.workspaces();
  const planned = [undefined, ...deps.rules.plans.map(({ workspaceId }) => workspaceId)];
  const further = new Set(planned.filter((id) => !known.some(({ workspaceId }) => workspaceId === id)));
  return [...known, ...[...further].map((workspaceId) => ({ workspaceId, keys: 0 }))];
}

async function compare(deps: Deps, deployment: string, listed: readonly UpstreamKey[], found: Found): Promise<void> {
  const marked = listed.flatMap((key) => {
    const mark = readMark(key.name);
    return mark?.deployment === deployment ? [{ key, keyId: mark.keyId }] : [];
  });
  const rows = new Map((await deps.drift.rowsOf(marked.map(({ keyId }) => keyId))).map((row) => [row.id, row]));
  for (const { key, keyId } of marked) {
    const row = rows.get(keyId);
    switch (driftOf(toListed(key), row)) {
      case "none":
        break;
      case "orphan":
        found.orphans.push(key);
        break;
      case "stray":
        if (row !== undefined) found.strays.push({ key, row });
        break;
      case "look":
        found.toLook.push(keyId);
        break;
    }
  }
}

function toListed(key: UpstreamKey): ListedKey {
  return {
    hash: key.hash,
    disabled: key.disabled,
    limitCents: key.limitUsd === null ? undefined : Math.round(key.limitUsd * 100),
  };
}

/** A key that stands for no live row. */
async function remove(deps: Deps, key: UpstreamKey, row: KeyRow | undefined, signal: AbortSignal): Promise<boolean> {
  await deps.provisioner.deleteKey(key.hash, signal);
  if (row !== undefined) {
    await deps.audit.write({
      actor: clockActor,
      verb: "key.repair",
      targetId: row.id,
      ownerId: row.ownerId,
      before: { phase: row.phase, upstream: "a key that no row stood for" },
      after: { upstream: "removed" },
      at: deps.clock(),
    });
  }
  return true;
}

/** Asks about one key while nobody else may change it, and brings both sides together. */
async function look(deps: Deps, keyId: string, alerts: string[], signal: AbortSignal): Promise<boolean> {
  const now = deps.clock();
  const row = await deps.revocations.hold(keyId, now, now + leaseMs);
  // Somebody is changing it, or it has ended: if it is still apart tonight, the next run sees it.
  if (row === undefined || row.upstreamHash === null) return false;
  try {
    const upstream = await deps.provisioner.getKey(row.upstreamHash, signal);
    if (upstream === undefined) {
      await endVanished(deps, row, clockActor);
      return true;
    }
    const repair = repairOf(row, toListed(upstream));
    if (repair.fitLimit) await deps.keys.lookAgain(row.id, now);
    if (repair.disableUpstream) {
      await deps.provisioner.updateKey(row.upstreamHash, { disabled: true }, signal);
      if (row.phase === "revoked")
        alerts.push(`"${row.name}" was revoked and was enabled again at OpenRouter: disabled.`);
    }
    if (!repair.disableUpstream && !repair.disableRow) return repair.fitLimit;
    const entry = {
      actor: clockActor,
      verb: "key.repair",
      targetId: row.id,
      ownerId: row.ownerId,
      before: { here: side(row.disabled || row.phase === "revoked"), openRouter: side(upstream.disabled) },
      after: { here: side(true), openRouter: side(true) },
      at: now,
    } as const;
    if (repair.disableRow) await deps.keys.change(row.id, { disabled: true }, entry);
    else await deps.audit.write(entry);
    return true;
  } finally {
    await deps.revocations.letGo(row.id);
  }
}

function side(isDisabled: boolean): string {
  return isDisabled ? "disabled" : "enabled";
}

/** Up to `most` rows whose key was not in the list. */
async function missingRows(
  deps: Deps,
  sightings: ReturnType<typeof createSightings>,
  before: number,
  most: number,
): Promise<readonly string[]> {
  const missing: string[] = [];
  let after: string | undefined;
  do {
    const places = await deps.drift.places(before, after, page);
    for (const { keyId, upstreamHash } of places) {
      if (!sightings.looksActive(upstreamHash)) missing.push(keyId);
      if (missing.length > most) return missing;
    }
    after = places.length < page ? undefined : places.at(-1)?.keyId;
  } while (after !== undefined);
  return missing;
}

/** How many were repaired. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<boolean>): Promise<number> {
  return (await mapLimited(items, atOnce, work)).filter(Boolean).length;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
