import type { NightlyRun, NightlyRunsAnswer } from "../../../functions/contract/runs.ts";
import type { AdminRaise, AdminRaisesAnswer } from "../../../functions/contract/admin.ts";
import type { IdentitiesAnswer, IdentityConflict } from "../../../functions/contract/identities.ts";
import { createFakeFunction, type FakeFunction, problem } from "./fake-function.ts";

export const now = Date.parse("2026-11-24T10:00:00Z");
const minute = 60_000;

/** A night on which nothing was to do, but for what `facts` say. */
export function builtRun(id: string, facts: Partial<Omit<NightlyRun, "counts">> & Partial<NightlyRun["counts"]> = {}) {
  const { checked = 240, active = 240, inactive = 0, unknown = 0, revoked = 0, failed = 0, ...rest } = facts;
  const { repaired = 0, swept = 0, ...more } = rest;
  return {
    id,
    startedAt: new Date(now - 6 * minute).toISOString(),
    endedAt: new Date(now - 5 * minute).toISOString(),
    mode: "enforce",
    counts: { checked, active, inactive, unknown, revoked, failed, repaired, swept },
    tripped: false,
    partial: false,
    state: "none",
    candidates: [],
    candidatesHash: null,
    approvedAt: null,
    alerts: [],
    ...more,
  } satisfies NightlyRun;
}

export const leavers = (...names: readonly string[]): NightlyRun["candidates"] =>
  names.map((name) => ({
    owner: { id: `owner-${name}`, label: `${name}@example.test` },
    evidence: "Google says that the account is suspended.",
  }));

/** One that stopped, whose list waits. */
export function builtWaitingRun(id: string, ...names: readonly string[]): NightlyRun {
  return builtRun(id, {
    state: "waiting",
    tripped: true,
    inactive: names.length,
    candidates: leavers(...names),
    candidatesHash: `hash of ${id}`,
  });
}

export interface FakeRuns extends FakeFunction {
  readonly runs: NightlyRun[];
  unknown: NightlyRunsAnswer["unknown"];
  stuck: NightlyRunsAnswer["stuck"];
  /** What was asked, as `GET ?limit=30` or `POST run-1 hash`. */
  readonly asked: string[];
  readonly asking: AdminRaise[];
  readonly conflicts: IdentityConflict[];
  /** As `raise-1 approve Good luck`. */
  readonly decided: string[];
}

/** Somebody's wish for more, that waits. */
export function builtRaise(id: string, name: string, facts: Partial<AdminRaise> = {}): AdminRaise {
  return {
    id,
    keyId: `key-${name}`,
    keyName: "laptop",
    limitUsd: 50,
    until: "2026-12-01T10:00:00.000Z",
    reason: "A long experiment",
    state: "waiting",
    createdAt: new Date(now - 5 * minute).toISOString(),
    owner: { id: `owner-${name}`, label: `${name}@example.test` },
    ...facts,
  };
}

/** The function with the administrators' nightly runs; faults are put into `faults` as for anything else. */
export function createFakeRuns(...runs: readonly NightlyRun[]): FakeRuns {
  const fake = createFakeFunction();
  fake.me = { ...fake.me, isAdmin: true };
  const plain = fake.fetch;
  // Hands everything on to the plain one first: it knows about faults and sessions, and has no such routes.
  const remote: FakeRuns = Object.assign(fake, {
    runs: [...runs],
    unknown: [],
    stuck: [],
    asked: [],
    asking: [],
    conflicts: [],
    decided: [],
    fetch: async (input: string, init: RequestInit) => {
      const url = new URL(input);
      const [, id] = /^\/v1\/admin\/runs(?:\/([^/]+)\/approve)?$/.exec(url.pathname) ?? [];
      const faultsBefore = fake.faults.length;
      const answer = await plain(input, init);
      const body = typeof init.body === "string" ? JSON.parse(init.body) : {};
      const isAnswered = answer.status !== 404 || fake.faults.length < faultsBefore;
      if (!isAnswered && url.pathname.startsWith("/v1/admin/raises")) return raises(url, body);
      if (!isAnswered && url.pathname.startsWith("/v1/admin/identities")) return identities(url, body);
      if (!url.pathname.startsWith("/v1/admin/runs")) return answer;
      const { candidatesHash } = body;
      remote.asked.push(id === undefined ? `GET ${url.search}` : `POST ${id} ${candidatesHash}`);
      if (isAnswered) return answer;
      return id === undefined ? list(url.searchParams) : approve(id);
    },
  });

  function raises({ pathname }: URL, { decision, note }: { decision?: string; note?: string }): Response {
    const waiting = remote.asking.filter(({ state }) => state === "waiting");
    const id = pathname.split("/")[4];
    if (id === undefined) return Response.json({ raises: waiting, nextCursor: null } satisfies AdminRaisesAnswer);
    const index = remote.asking.findIndex((raise) => raise.id === id);
    const raise = remote.asking[index];
    if (raise === undefined) return problem("not_found", "There is no such raise.");
    remote.decided.push([id, decision, note].filter(Boolean).join(" "));
    const next: AdminRaise = { ...raise, state: decision === "approve" ? "approved" : "refused" };
    remote.asking[index] = next;
    return Response.json(next);
  }

  function identities({ pathname }: URL, { decision }: { decision?: string }): Response {
    const id = pathname.split("/")[4];
    if (id === undefined) return Response.json({ identities: remote.conflicts } satisfies IdentitiesAnswer);
    remote.decided.push(`${id} ${decision}`);
    remote.conflicts.splice(0);
    return new Response(undefined, { status: 204 });
  }

  function list(query: URLSearchParams): Response {
    const begin = Number(query.get("cursor") ?? 0);
    const end = begin + Number(query.get("limit"));
    const answer: NightlyRunsAnswer = {
      runs: remote.runs.slice(begin, end),
      nextCursor: end < remote.runs.length ? String(end) : null,
      unknown: remote.unknown,
      stuck: remote.stuck,
    };
    return Response.json(answer);
  }

  function approve(id: string): Response {
    const index = remote.runs.findIndex((run) => run.id === id);
    const run = remote.runs[index];
    if (run === undefined) return Response.json({}, { status: 404 });
    const approved: NightlyRun = { ...run, state: "approved", approvedAt: new Date(now).toISOString() };
    remote.runs[index] = approved;
    return Response.json(approved);
  }
  return remote;
}
