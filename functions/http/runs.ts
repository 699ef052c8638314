import { Hono } from "hono/tiny";

import { ApproveRunRequest } from "../contract/requests.ts";
import type { NightlyRun as RunAnswer, NightlyRunsAnswer } from "../contract/runs.ts";
import type { Deps } from "../services/deps.ts";
import type { NightlyRun } from "../services/nightly-store.ts";
import { approveRun, longUnknown } from "../services/run-nightly.ts";
import { waitingRun } from "../services/waiting-run.ts";
import { actingIn, requireAdmin, requireFreshSignIn, requireSession } from "./authenticate.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import type { HttpEnv } from "./env.ts";
import { isoTime } from "./key-answer.ts";
import { PageQuery, parseBody, parseId, parseWith } from "./parse.ts";

const usualLimit = 30;
const mostStuck = 200;

/** For administrators: the nightly runs, and what waits for somebody's decision. */
export function runRoutes(deps: Deps) {
  return new Hono<HttpEnv>()
    .use(requireSession(deps), requireAdmin(deps), requireFreshSignIn(deps))
    .get("/", async (context) => {
      const { cursor, limit = usualLimit } = parseWith(PageQuery, context.req.query());
      const [found, waiting, unknown, stuck] = await Promise.all([
        deps.nightly.runs(readCursor(cursor), limit + 1),
        waitingRun(deps),
        longUnknown(deps),
        deps.revocations.stuck(1, mostStuck),
      ]);
      const runs = found.slice(0, limit);
      const last = runs.at(-1);
      return context.json({
        runs: runs.map((run) => toRun(run, waiting)),
        nextCursor:
          found.length > limit && last !== undefined ? writeCursor({ createdAt: last.startedAt, id: last.id }) : null,
        unknown: unknown.map(({ ownerId, email, since, reason }) => ({
          owner: { id: ownerId, label: email },
          since: isoTime(since),
          reason,
        })),
        stuck: stuck.map(({ ownerId, email, keyId, name, tries, since }) => ({
          owner: { id: ownerId, label: email },
          key: { id: keyId, name },
          tries,
          since: isoTime(since),
        })),
      } satisfies NightlyRunsAnswer);
    })
    .post("/:id/approve", async (context) => {
      const { candidatesHash } = await parseBody(context, ApproveRunRequest);
      const id = parseId(context.req.param("id"), "There is no such run.");
      const run = await approveRun(deps, actingIn(context), { id, candidatesHash });
      return context.json(toRun(run, undefined) satisfies RunAnswer);
    });
}

function toRun(run: NightlyRun, waiting: NightlyRun | undefined): RunAnswer {
  const { tripped, partial, ...counts } = run.counts;
  return {
    id: run.id,
    startedAt: isoTime(run.startedAt),
    endedAt: isoTime(run.endedAt),
    mode: run.mode,
    counts,
    tripped,
    partial,
    state: run.id === waiting?.id ? "waiting" : run.approval === undefined ? "none" : "approved",
    candidates: run.candidates.map(({ ownerId, email, evidence }) => ({
      owner: { id: ownerId, label: email },
      evidence,
    })),
    candidatesHash: run.candidatesHash ?? null,
    approvedAt: run.approval === undefined ? null : isoTime(run.approval.at),
    alerts: [...run.alerts],
  };
}
