import type { NightlyRun, NightlyRunsAnswer } from "../../functions/contract/runs.ts";
import { ago } from "../base/ago.ts";
import type { RunListState } from "./run-list.ts";
import { previousOf } from "./run-list.ts";
import { conflictSection, raiseSection } from "./decision-rows.ts";
import { leaf, row, type AdminRow, section } from "./rows.ts";

/** Who and why, one list under another; each only when it has something. What needs a person comes first. */
export function runRows(state: RunListState, now: number): readonly AdminRow[] {
  const ready = previousOf(state);
  if (ready === undefined) return state.kind === "failed" ? [row({ id: "retry", label: "Try Again", ...retry })] : [];
  const { runs, raises, conflicts, stuck, unknown, hasMore } = ready;
  const waiting = runs.filter((run) => run.state === "waiting");
  const more = row({ id: "more", label: "Show Older Runs", icon: "chevron-down", does: "more" });
  return [
    ...section("waiting", "Waiting for approval", "", waiting, (run, parent) => waitingRow(run, parent, now)),
    ...raiseSection(raises, ready.ownId, now),
    ...conflictSection(conflicts, now),
    ...section("stuck", "Keys not disabled yet", keys(stuck.length), stuck, (each, parent) =>
      stuckRow(each, parent, now),
    ),
    ...section("unknown", "Unknown for a week", people(unknown.length), unknown, unknownRow),
    ...section("runs", "Nightly runs", "", runs, (run, parent) => runRow(run, parent, now, run === runs[0])),
    ...(hasMore ? [more] : []),
  ];
}

/** As people look somebody up. */
export function candidatesOf({ candidates }: Pick<NightlyRun, "candidates">): NightlyRun["candidates"] {
  return candidates.toSorted((a, b) => a.owner.label.localeCompare(b.owner.label, "en"));
}

/** `1 person`, `4 people`. */
export function people(count: number): string {
  return count === 1 ? "1 person" : `${count} people`;
}

/** `1 person seems to have left`. */
export function seemToHaveLeft(count: number): string {
  return `${people(count)} ${count === 1 ? "seems" : "seem"} to have left`;
}

const retry = { icon: "refresh", does: "retry" } as const;
type Owned = { readonly owner: { readonly id: string; readonly label: string } };
type Stuck = NightlyRunsAnswer["stuck"][number];
type Unknown = NightlyRunsAnswer["unknown"][number];

function waitingRow(run: NightlyRun, parent: AdminRow, now: number): AdminRow {
  const found = `found ${ago(now - Date.parse(run.endedAt))}`;
  return row({
    id: `waiting/${run.id}`,
    parent,
    label: seemToHaveLeft(run.candidates.length),
    description: found,
    icon: "warning",
    color: "list.warningForeground",
    contextValue: "run waiting",
    accessibilityLabel: `${seemToHaveLeft(run.candidates.length)}, ${found}, waiting for approval`,
    tooltip: [
      `${seemToHaveLeft(run.candidates.length)}: more than a day may bring.`,
      "Nobody's access has ended. When an administrator approves the list, the next run acts on it.",
      "Nobody can approve a list that they are on.",
    ],
    runId: run.id,
    isOpen: true,
    children: (self) => candidatesOf(run).map((each) => personRow(each, each.evidence, self)),
  });
}

function runRow(run: NightlyRun, parent: AdminRow, now: number, isNewest: boolean): AdminRow {
  const [icon, color] = runIcon(run);
  const { counts } = run;
  // Where it stopped, those who were approved before are neither on its list nor for certain in its count.
  const missing = run.tripped && run.mode === "enforce" ? 0 : counts.inactive - run.candidates.length;
  const notes = [
    ...(run.state === "approved" ? ["approved"] : []),
    ago(now - Date.parse(run.endedAt)),
    ...(run.state === "waiting" ? ["waits for approval"] : []),
    ...(run.state === "approved" && isNewest ? ["the next run acts on it"] : []),
    ...(run.mode === "report" ? ["report only"] : []),
    ...(run.partial ? ["cut off, the next run goes on"] : []),
    ...(counts.failed > 0 && !whatItDid(run).startsWith(notDone) ? [`not done yet: ${people(counts.failed)}`] : []),
    ...(counts.unknown > 0 ? [`${counts.unknown} unknown`] : []),
    ...(missing > 0 ? [`${missing} not found, looked for again`] : []),
    ...(counts.repaired > 0 ? [`${keys(counts.repaired)} put right`] : []),
  ];
  return row({
    id: `runs/${run.id}`,
    parent,
    label: whatItDid(run),
    description: notes.join(" · "),
    icon,
    color,
    contextValue: `run ${run.state}`,
    accessibilityLabel: [whatItDid(run), ...notes].join(", "),
    tooltip: [
      dateAndTime.format(new Date(run.startedAt)),
      inFull(run),
      `Checked ${people(counts.checked)}: ${counts.active} active, ${counts.inactive} inactive, ${counts.unknown} unknown.`,
      `Access ended: ${people(counts.revoked)}. With a key not disabled yet: ${people(counts.failed)}.`,
      `Put right: ${keys(counts.repaired)}. Half-made and cleared away: ${keys(counts.swept)}.`,
    ],
    runId: run.id,
    ...(run.candidates.length + run.alerts.length > 0 ? { isOpen: false } : {}),
    children: (self) => [
      ...run.alerts.map((alert, index) => alertRow(alert, index, self)),
      ...candidatesOf(run).map((each) => personRow(each, each.evidence, self)),
    ],
  });
}

const notDone = "Not done yet:";

/** What a run did, in a few words: its age has to fit beside it. */
function whatItDid({ mode, counts, candidates, tripped }: NightlyRun): string {
  const found = people(candidates.length);
  if (mode === "report" && candidates.length > 0) return `Would end access of ${found}`;
  if (mode === "enforce" && tripped) {
    return counts.revoked > 0 ? `Ended access of ${counts.revoked}, stopped at ${found}` : `Stopped at ${found}`;
  }
  if (counts.revoked > 0) return `Ended access of ${people(counts.revoked)}`;
  if (counts.failed > 0) return `${notDone} ${people(counts.failed)}`;
  return counts.checked === 0 ? "Nobody to check" : `Checked ${people(counts.checked)}`;
}

/** The same with what it means. */
function inFull(run: NightlyRun): string {
  const { mode, counts, candidates, tripped } = run;
  if (mode === "report") return `${whatItDid(run)}. It is in report mode, in which nobody's access ends.`;
  if (tripped) {
    return `${whatItDid(run)}: ${seemToHaveLeft(candidates.length)}, more than a day may bring without an approval.`;
  }
  if (counts.revoked === 0 && counts.failed > 0) {
    return `${whatItDid(run)}. OpenRouter did not disable every key of those who have left; it is tried again.`;
  }
  return counts.revoked + counts.checked > 0 && candidates.length === 0
    ? `${whatItDid(run)}. Nobody has to go.`
    : `${whatItDid(run)}.`;
}

function runIcon({ mode, counts, tripped, partial, state }: NightlyRun): readonly [icon: string, color: string] {
  if (tripped && mode === "enforce") {
    return state === "approved" ? ["verified", "charts.green"] : ["warning", "list.warningForeground"];
  }
  if (counts.failed > 0) return ["error", "list.errorForeground"];
  if (partial) return ["debug-pause", "list.warningForeground"];
  if (mode === "report") return ["eye", "charts.blue"];
  return counts.revoked > 0 ? ["sign-out", "charts.green"] : ["pass", "charts.green"];
}

function personRow({ owner }: Owned, evidence: string, parent: AdminRow): AdminRow {
  return leaf({ id: `${parent.id}/${owner.id}`, parent, label: owner.label, description: evidence, icon: "person" });
}

function alertRow(alert: string, index: number, parent: AdminRow): AdminRow {
  return leaf({
    id: `${parent.id}/alert-${index}`,
    parent,
    label: alert,
    description: "",
    icon: "info",
    color: "charts.yellow",
  });
}

function unknownRow({ owner, since, reason }: Unknown, parent: AdminRow): AdminRow {
  const description = `since ${day.format(new Date(since))} · ${reason}`;
  return leaf({ id: `unknown/${owner.id}`, parent, label: owner.label, description, icon: "question" });
}

function stuckRow({ owner, key, tries, since }: Stuck, parent: AdminRow, now: number): AdminRow {
  const tried = `tried ${tries === 1 ? "once" : `${tries} times`}`;
  return leaf({
    id: `stuck/${key.id}`,
    parent,
    label: owner.label,
    description: `${key.name} · ${tried} · left ${ago(now - Date.parse(since))}`,
    icon: "key",
    color: "list.errorForeground",
  });
}

function keys(count: number): string {
  return count === 1 ? "1 key" : `${count} keys`;
}

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dateAndTime = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
