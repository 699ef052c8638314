import assert from "node:assert/strict";

import { createNightlyRuns } from "../../../extension/admin/nightly-runs.ts";
import { createRunList } from "../../../extension/admin/run-list.ts";
import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import { approveRun } from "../../../extension/ui/approve-run.ts";
import { withAccess } from "../../../extension/ui/with-access.ts";
import type { NightlyRun } from "../../../functions/contract/runs.ts";
import { createEditor, settled } from "../support/editor.ts";
import { builtRun, builtWaitingRun, createFakeRuns } from "../support/fake-runs.ts";

const two = builtWaitingRun("run-1", "grace", "alan");
const yes = "yes";
const question =
  "confirm: End the access of 2 people? alan@example.test, grace@example.test: Google says that the account is suspended.\n\nThe next nightly run ends their sign-ins and disables their keys, which cannot be undone. Whoever is found to work here by then is left alone. [End Access of 2 People]";

/** A person who has the list in sight and uses the command, from its row unless told otherwise. */
async function createHarness(
  runs: readonly NightlyRun[],
  answer?: typeof yes,
  more: { readonly signsIn?: boolean } = {},
) {
  const remote = createFakeRuns(...runs);
  const answers = answer === undefined ? [] : [["End the access", buttonFor(runs)] as const];
  const editor = await createEditor({ remote, answers, ...more });
  const asked = <T>(work: Parameters<typeof withAccess<T>>[1]) => withAccess(editor, work);
  const nightly = createNightlyRuns(editor);
  const list = createRunList({
    existing: editor.accessToken.existing,
    withAccess: asked,
    runs: nightly,
    onForbidden: () => {},
    clock: editor.clock,
    log: editor.log,
  });
  await list.refresh();
  remote.asked.length = 0;
  const approve = async (from: "row" | "palette" = "row"): Promise<string> => {
    const argument = from === "row" ? { runId: "run-1" } : undefined;
    const deps = { withAccess: asked, list, runs: nightly, dialogs: editor.dialogs };
    const end = await approveRun(deps, argument).then(
      () => "done",
      (error: unknown) =>
        error instanceof CancelledError ? "cancelled" : error instanceof UserError ? error.message : String(error),
    );
    await settled();
    return end;
  };
  return { remote, editor, list, approve };
}

function buttonFor([run]: readonly NightlyRun[]): string {
  const count = run?.candidates.length ?? 0;
  return `End Access of ${count === 1 ? "1 Person" : `${count} People`}`;
}

describe("the command Approve Leavers", () => {
  it("shows who it is about, and sends the name of exactly the list that was shown", async () => {
    const { remote, editor, approve } = await createHarness([two], yes);
    assert.deepEqual(
      [await approve(), editor.dialogs.shown, remote.asked, remote.runs[0]?.state],
      [
        "done",
        [question, "info: Approved. The next nightly run ends the access of 2 people."],
        ["POST run-1 hash of run-1", "GET ?limit=30"],
        "approved",
      ],
    );
  });

  it("sends nothing without a yes", async () => {
    const { remote, editor, approve } = await createHarness([two]);
    assert.deepEqual([await approve(), editor.dialogs.shown, remote.asked], ["done", [question], []]);
  });

  it("looks first for what waits when it comes from the palette", async () => {
    const { remote, editor, approve } = await createHarness([builtRun("run-1")]);
    const nothing = await approve("palette");
    remote.runs.unshift(builtWaitingRun("run-2", "grace", "alan"));
    editor.dialogs.answers.push(["End the access", "End Access of 2 People"]);
    await approve("palette");
    assert.deepEqual(
      [nothing, editor.dialogs.shown[0], editor.dialogs.shown[1]?.slice(0, 36), remote.asked[2]],
      [
        "done",
        "info: No nightly run waits for approval.",
        "confirm: End the access of 2 people?",
        "POST run-2 hash of run-2",
      ],
    );
  });

  it("says so when the run that was pressed no longer waits", async () => {
    const { remote, editor, list, approve } = await createHarness([two], yes);
    remote.runs.splice(0, 1, builtRun("run-2"));
    await list.refresh();
    await approve();
    assert.deepEqual(editor.dialogs.shown, ["info: This run no longer waits for approval."]);
  });

  for (const [code, detail] of [
    ["forbidden", "You are on this list yourself. Ask another administrator."],
    ["conflict", "A newer run has a list of its own. Look at that one."],
    ["not_found", "There is no such run."],
  ] as const) {
    it(`says why it may not (${code}), and looks again`, async () => {
      const { remote, editor, approve } = await createHarness([two], yes);
      remote.faults.push(["POST /v1/admin/runs/run-1/approve", { code, detail }]);
      assert.deepEqual(
        [await approve(), editor.dialogs.shown.at(-1), remote.asked.at(-1)],
        ["done", `warn: Not approved. ${detail}`, "GET ?limit=30"],
      );
    });
  }

  it("finds out by itself whether it was approved when the answer is lost", async () => {
    const { editor, approve, remote } = await createHarness([two], yes);
    remote.runs[0] = { ...two, state: "approved" };
    remote.faults.push(["POST /v1/admin/runs/run-1/approve", "lost-request"]);
    await approve();
    assert.equal(editor.dialogs.shown.at(-1), "info: Approved. The next nightly run ends the access of 2 people.");
  });

  it("does not claim to know where nobody answers", async () => {
    const { editor, approve, remote } = await createHarness([two], yes);
    remote.faults.push(["POST /v1/admin/runs/run-1/approve", "lost-request"], ["GET /v1/admin/runs", "lost-request"]);
    await approve();
    assert.match(editor.dialogs.shown.at(-1) ?? "", /^warn: It may not be approved\. Could not reach/);
  });

  it("signs in once more where the sign-in is too old, and asks nothing twice", async () => {
    const { editor, approve, remote } = await createHarness([two], yes);
    remote.faults.push(["POST /v1/admin/runs/run-1/approve", { code: "reauth_required" }]);
    await approve();
    assert.deepEqual([editor.asked, editor.dialogs.shown.length, remote.runs[0]?.state], [["fresh"], 2, "approved"]);
  });

  it("approves nothing when that sign-in is cancelled", async () => {
    const { approve, remote } = await createHarness([two], yes, { signsIn: false });
    remote.faults.push(["POST /v1/admin/runs/run-1/approve", { code: "reauth_required" }]);
    assert.deepEqual([await approve(), remote.runs[0]?.state], ["cancelled", "waiting"]);
  });

  it("names as many people as fit a dialog, and says where the others are", async () => {
    const names = Array.from({ length: 43 }, (_, index) => `p${String(index).padStart(2, "0")}`);
    const { editor, approve } = await createHarness([builtWaitingRun("run-1", ...names)]);
    await approve();
    const [shown = ""] = editor.dialogs.shown;
    assert.deepEqual(
      [shown.match(/@example\.test/g)?.length, shown.includes("And 3 more, whom the view lists with the reasons.")],
      [40, true],
    );
  });
});
