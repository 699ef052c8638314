import assert from "node:assert/strict";

import { createDecisions } from "../../../extension/admin/decisions.ts";
import { createNightlyRuns } from "../../../extension/admin/nightly-runs.ts";
import { createRunList } from "../../../extension/admin/run-list.ts";
import { runRows } from "../../../extension/admin/run-rows.ts";
import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import { approveRaise, approveRaiseWithNote, decideConflict, refuseRaise } from "../../../extension/ui/decide.ts";
import { withAccess } from "../../../extension/ui/with-access.ts";
import { createEditor, settled } from "../support/editor.ts";
import { account } from "../support/fake-function.ts";
import { builtRaise, createFakeRuns, now } from "../support/fake-runs.ts";

/** Grace asks for more, and so does the administrator. */
async function createHarness(...answers: readonly (readonly [text: string, answer: unknown])[]) {
  const remote = createFakeRuns();
  remote.asking.push(builtRaise("raise-1", "grace"), builtRaise("raise-2", "ada", { owner: account }));
  remote.conflicts.push({
    id: "conflict-1",
    state: "waiting",
    owner: { id: "owner-linus", label: "linus@example.test" },
    known: { issuer: "https://issuer.test", subject: "1" },
    came: { issuer: "https://issuer.test", subject: "2" },
    askedAt: "2026-11-24T09:00:00.000Z",
  });
  const editor = await createEditor({ remote, answers: [...answers] });
  const decisions = createDecisions(editor);
  const list = createRunList({
    existing: editor.accessToken.existing,
    withAccess: (work) => withAccess(editor, work),
    runs: createNightlyRuns(editor),
    decisions,
    onForbidden: () => {},
    clock: editor.clock,
    log: editor.log,
  });
  await list.refresh();
  const deps = {
    list,
    decisions,
    dialogs: editor.dialogs,
    withAccess: <T>(work: Parameters<typeof withAccess<T>>[1]) => withAccess(editor, work),
  };
  const does = async (act: typeof approveRaise, argument?: unknown): Promise<string> => {
    const end = await act(deps, argument).then(
      () => "done",
      (error: unknown) =>
        error instanceof CancelledError ? "cancelled" : error instanceof UserError ? error.message : String(error),
    );
    await settled();
    return end;
  };
  const sections = () => runRows(list.current, now);
  return { remote, editor, does, sections, shown: editor.dialogs.shown };
}

const clicked = { raiseId: "raise-1" };

describe("an administrator's decisions", () => {
  it("stand in sections of their own, and one's own request is not one to decide", async () => {
    const { sections } = await createHarness();
    assert.deepEqual(
      sections().map(({ label, children }) => [
        label,
        ...children().map((row) => `${row.label} (${row.description}) ${row.contextValue}`),
      ]),
      [
        [
          "Waiting requests",
          "grace@example.test ($50 until 1 Dec · “A long experiment”) raise waiting",
          "ada@example.test ($50 until 1 Dec · your own: another administrator decides) raise own",
        ],
        ["Accounts with one e-mail", "linus@example.test (refused since 60 minutes ago) conflict waiting"],
      ],
    );
  });

  it("approve with one click", async () => {
    const { does, remote, shown, sections } = await createHarness();
    assert.deepEqual(
      [await does(approveRaise, clicked), remote.decided, shown, sections()[0]?.children().length],
      ["done", ["raise-1 approve"], ["info: Approved: grace@example.test may spend $50 on “laptop” until 1 Dec."], 1],
    );
  });

  for (const [act, note, decided] of [
    [approveRaiseWithNote, "Good luck", ["raise-1 approve Good luck"]],
    [refuseRaise, "Use a smaller model", ["raise-1 refuse Use a smaller model"]],
    [refuseRaise, "", ["raise-1 refuse"]],
    [refuseRaise, undefined, []],
  ] as const) {
    it(`pass on ${note === undefined ? "nothing when it was thought better of" : note === "" ? "no note where none was written" : `the note “${note}”`}`, async () => {
      const { does, remote } = await createHarness(["A word to grace", note]);
      assert.deepEqual(
        [await does(act, clicked), remote.decided],
        [note === undefined ? "cancelled" : "done", decided],
      );
    });
  }

  it("from the palette are about the requests of others only", async () => {
    const { does, remote, shown } = await createHarness(["Which request?", "grace@example.test"]);
    assert.deepEqual(
      [await does(approveRaise), shown[0], remote.decided, await does(approveRaise)],
      [
        "done",
        "pick: Which request? (grace@example.test)",
        ["raise-1 approve"],
        "No request waits that you could decide.",
      ],
    );
  });

  it("say so where OpenRouter could not be told yet, or somebody else was quicker", async () => {
    const { does, remote, shown } = await createHarness();
    remote.faults.push(["POST /v1/admin/raises/raise-1", { code: "upstream_unavailable" }]);
    const away = await does(approveRaise, clicked);
    remote.faults.push(["POST /v1/admin/raises/raise-1", { code: "conflict", detail: "This raise has been decided." }]);
    const late = await does(approveRaise, clicked);
    remote.asking.splice(0);
    assert.deepEqual(
      [away, shown, late],
      [
        "done",
        ["warn: The request of grace@example.test is approved, and takes effect as soon as OpenRouter answers."],
        "This raise has been decided.",
      ],
    );
  });

  it("sign in again where that is wanted, and then do it once", async () => {
    const { does, remote, editor } = await createHarness();
    remote.faults.push(["POST /v1/admin/raises/raise-1", { code: "reauth_required" }]);
    assert.deepEqual(
      [await does(approveRaise, clicked), editor.asked, remote.decided],
      ["done", ["fresh"], ["raise-1 approve"]],
    );
  });

  for (const [choice, sure, decided] of [
    ["One Person", "Make Them One", ["conflict-1 merge"]],
    ["Two People", "Separate Them", ["conflict-1 separate"]],
    ["Two People", undefined, []],
    ["Refuse It", undefined, ["conflict-1 refuse"]],
  ] as const) {
    it(`about two accounts are “${choice}”, ${decided.length > 0 ? "as they were meant" : "and nothing without a yes"}`, async () => {
      const { does, remote } = await createHarness(["Two accounts came", choice], ["linus@example.test", sure]);
      await does(decideConflict, { conflictId: "conflict-1" });
      assert.deepEqual(remote.decided, decided);
    });
  }
});
