import assert from "node:assert/strict";

import { createNightlyRuns } from "../../../extension/admin/nightly-runs.ts";
import { createRunList, type RunListState, waitingRunIn } from "../../../extension/admin/run-list.ts";
import { CancelledError } from "../../../extension/base/errors.ts";
import { withAccess } from "../../../extension/ui/with-access.ts";
import type { NightlyRun } from "../../../functions/contract/runs.ts";
import { createEditor } from "../support/editor.ts";
import { builtRun, builtWaitingRun, createFakeRuns } from "../support/fake-runs.ts";
import { token } from "../support/fake-function.ts";
import { address } from "../support/editor.ts";

const minute = 60_000;

async function createHarness(runs: readonly NightlyRun[] = [], options: { readonly signsIn?: boolean } = {}) {
  const remote = createFakeRuns(...runs);
  const editor = await createEditor({ remote, ...options });
  const states: RunListState[] = [];
  let forbidden = 0;
  const list = createRunList({
    existing: editor.accessToken.existing,
    withAccess: (work) => withAccess(editor, work),
    runs: createNightlyRuns(editor),
    onForbidden: () => void (forbidden += 1),
    clock: editor.clock,
    log: editor.log,
  });
  list.onDidChange((state) => states.push(state));
  const fail = (...faults: readonly Parameters<typeof remote.faults.push>[0][1][]) =>
    remote.faults.push(...faults.map((fault) => ["GET /v1/admin/runs", fault] as const));
  return { remote, editor, list, states, fail, forbidden: () => forbidden };
}

const many = (count: number): readonly NightlyRun[] =>
  Array.from({ length: count }, (_, index) => builtRun(`run-${count - index}`));
const shown = (state: RunListState): string =>
  state.kind === "ready" ? `${state.runs.length}${state.hasMore ? " and more" : ""}` : state.kind;

describe("the list of nightly runs", () => {
  it("shows the newest, and older ones page by page, which a refresh keeps", async () => {
    const { list, remote } = await createHarness(many(250));
    const seen: string[] = [];
    await list.refresh();
    for (let press = 0; press < 7; press += 1) {
      seen.push(shown(list.current));
      await list.showMore();
    }
    remote.runs.unshift(builtRun("run-251"));
    await list.refresh();
    const state = list.current;
    assert.ok(state.kind === "ready");
    assert.deepEqual(
      [seen, shown(state), state.runs[0]?.id, new Set(state.runs.map(({ id }) => id)).size, remote.asked.slice(-2)],
      [
        ["30 and more", "60 and more", "90 and more", "120 and more", "150 and more", "180 and more", "210 and more"],
        "240 and more",
        "run-251",
        240,
        ["GET ?limit=200", "GET ?limit=40&cursor=200"],
      ],
    );
  });

  it("asks one question at a time, and by itself only when it is time", async () => {
    const { list, remote, editor, fail } = await createHarness(many(1));
    await Promise.all([list.poll(), list.poll(), list.poll()]);
    const first = remote.asked.length;
    await list.poll();
    const fresh = remote.asked.length;
    editor.clock.time += 31_000;
    fail(
      { code: "database_unavailable" },
      { code: "database_unavailable" },
      { code: "rate_limited", retryAfter: 3600 },
    );
    const after: number[] = [];
    for (const pause of [0, 59_000, 1_000, minute, minute, 59 * minute, minute]) {
      editor.clock.time += pause;
      const before = remote.asked.length;
      await list.poll();
      after.push(remote.asked.length - before);
    }
    assert.deepEqual([first, fresh, after], [1, 1, [1, 0, 1, 0, 1, 0, 1]]);
  });

  it("keeps the last runs and says why there are no others", async () => {
    const { list, fail } = await createHarness(many(1));
    await list.refresh();
    const previous = list.current;
    fail({ code: "database_unavailable", detail: "The database is away." });
    await list.refresh();
    assert.deepEqual(list.current, { kind: "failed", message: "The database is away.", previous });
  });

  it("never signs in by itself when the last sign-in is too old, and does when a person wants to look", async () => {
    const { list, fail, editor, states } = await createHarness(many(1));
    fail({ code: "reauth_required" }, { code: "reauth_required" }, { code: "reauth_required" });
    await list.poll();
    await list.refresh();
    const byItself = [list.current.kind, ...editor.asked];
    await list.show();
    assert.deepEqual(
      [byItself, editor.asked, states.map(shown)],
      [["sign-in"], ["fresh"], ["sign-in", "sign-in", "sign-in", "1"]],
    );
  });

  it("is left as it was by a sign-in that is cancelled", async () => {
    const { list, fail } = await createHarness(many(1), { signsIn: false });
    fail({ code: "reauth_required" });
    const end = await list.show().then(
      () => "done",
      (error: unknown) => (error instanceof CancelledError ? "cancelled" : String(error)),
    );
    assert.deepEqual([end, list.current.kind], ["cancelled", "sign-in"]);
  });

  it("asks at once for somebody else who has signed in", async () => {
    const { list, editor, remote } = await createHarness(many(1));
    await list.poll();
    remote.sessions.add(token.replaceAll("t", "u"));
    const answer = { sessionToken: token.replaceAll("t", "u"), expiresAt: "2026-12-01T10:00:00.000Z", isAdmin: true };
    await editor.sessions.signedIn(address, { ...answer, account: { id: "owner-2", label: "boss@example.test" } });
    await list.poll();
    assert.equal(remote.asked.length, 2);
  });

  it("drops what arrives for whoever is gone, and forgets what they saw", async () => {
    const { list, remote, states } = await createHarness(many(1));
    await list.refresh();
    remote.aroundSend = async (_route, send) => {
      const answer = await send();
      list.clear();
      return answer;
    };
    await list.refresh();
    assert.deepEqual([states.map(shown), list.current], [["1", "loading"], { kind: "loading" }]);
  });

  it("asks who this is when the function says that it is no administrator", async () => {
    const { list, fail, forbidden } = await createHarness(many(1));
    fail({ code: "forbidden", detail: "Only administrators may do this." });
    await list.show();
    assert.deepEqual(
      [list.current, forbidden()],
      [{ kind: "failed", message: "Only administrators may do this.", previous: undefined }, 1],
    );
  });

  it("knows the run that waits, also while the function is away", async () => {
    const { list, fail } = await createHarness([builtRun("run-2"), builtWaitingRun("run-1", "grace")]);
    await list.refresh();
    fail("lost-request");
    await list.refresh();
    assert.deepEqual(
      [undefined, "run-1", "run-2"].map((id) => waitingRunIn(list.current, id)?.candidatesHash),
      ["hash of run-1", "hash of run-1", undefined],
    );
  });
});
