import type { Key } from "../../functions/contract/keys.ts";
import type { Access } from "../account/access-token.ts";
import { CancelledError, UserError } from "../base/errors.ts";
import { isUsable, keyRow } from "../keys/key-row.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { ToolsKeyChoice } from "../keys/tools-key.ts";
import type { ToolId } from "../tools/catalogue.ts";
import type { DetectedTool, ToolOutcome, ToolSetup } from "../tools/tool-setup.ts";
import type { Dialogs } from "./dialogs.ts";
import { type AccessDeps, withAccess } from "./with-access.ts";

export interface ToolsDeps {
  readonly dialogs: Dialogs;
  /** Ready to write: the key helper is installed. Throws UserError where that failed. */
  readonly toolSetup: () => Promise<ToolSetup>;
  readonly toolsKey: ToolsKeyChoice;
  readonly address: AccessDeps["address"];
}

const title = "Set Up Coding Tools";

/**
 * Asks which of the tools found are to use the key, sets them up and says what came of it. `opening` is the sentence
 * that the one message at the end begins with.
 */
export async function offerTools(deps: ToolsDeps, opening: string, keyName: string): Promise<void> {
  const { dialogs } = deps;
  const setup = await deps.toolSetup().catch((error: unknown) => {
    if (opening === "" || !(error instanceof UserError)) throw error;
    // What is done has to be heard of although the tools are not to be had.
    void dialogs.warn(opening.includes(error.message) ? opening : `${opening} ${error.message}`);
    return undefined;
  });
  if (setup === undefined) return;
  const detected = await setup.detect();
  const offered = detected.filter(({ state }) => state === "available" || state === "configured");
  if (offered.length === 0) {
    void dialogs.info([opening, ...nothingFound(detected)].filter((sentence) => sentence !== "").join(" "));
    return;
  }

  const choices = offered.map(({ id, label, state, detail, isOptIn }) => ({
    label,
    detail,
    value: id,
    isPicked: isOptIn !== true || state === "configured",
    ...(state === "configured" ? { description: "already set up" } : {}),
  }));
  const chosen = await dialogs.pickMany(
    title,
    `Set up these tools to use the key “${keyName}”?`,
    choices,
    notesOn(detected),
  );
  if (chosen === undefined || chosen.length === 0) {
    if (opening !== "") void dialogs.info(opening);
    return;
  }

  const outcomes = await dialogs.progress("Setting up coding tools", (signal) => setup.apply(chosen, signal));
  void conclude(deps, setup, opening, keyName, outcomes);
}

function nothingFound(detected: readonly DetectedTool[]): readonly string[] {
  const notes = notesOn(detected);
  if (notes.length > 0) return notes;
  return [`No coding tool was found on this machine. Looked for ${listOf(detected.map(({ label }) => label))}.`];
}

/** What is there and cannot be set up, with why and what to do. */
function notesOn(detected: readonly DetectedTool[]): readonly string[] {
  return detected.filter(({ state }) => state === "unsupported").map(({ label, detail }) => `${label}: ${detail}`);
}

/** One message, whatever happened. Never rejects. */
async function conclude(
  deps: ToolsDeps,
  setup: ToolSetup,
  opening: string,
  keyName: string,
  outcomes: readonly ToolOutcome[],
): Promise<void> {
  const { dialogs } = deps;
  const done = outcomes.filter((outcome) => outcome.ok);
  const failed = outcomes.filter((outcome) => !outcome.ok);
  const sentences = [
    opening,
    ...(done.length === 0
      ? []
      : [
          `${listOf(labelsOf(done))} ${done.length === 1 ? "uses" : "use"} ${opening === "" ? `the key “${keyName}”` : "it"}.`,
        ]),
    ...new Set(done.map(({ next }) => next)),
    ...failed.map(({ label, message }) => `${label}: ${message}`),
  ].filter((sentence) => sentence !== "");
  const buttons = done.length === 0 ? [] : ["Undo"];
  const message = sentences.join(" ");
  const pressed = await (failed.length > 0 ? dialogs.warn(message, ...buttons) : dialogs.info(message, ...buttons));
  if (pressed === undefined) return;
  try {
    await undoAndSay(
      deps,
      setup,
      done.map(({ id }) => id),
    );
  } catch {
    void dialogs.error("The tools could not be set back. Run “OpenRouter Keys: Undo Tool Setup” to try again.");
  }
}

interface ConfigureToolsDeps extends ToolsDeps, AccessDeps {
  readonly ring: KeyRing;
  readonly now: () => number;
}

/** The command: chooses the key for tools where there is a choice, then offers the tools. */
export async function configureTools(deps: ConfigureToolsDeps): Promise<void> {
  await withAccess(deps, async (access) => {
    await deps.ring.refresh();
    const key = await chooseToolsKey(deps, access, "Which key should the tools use?");
    await offerTools(deps, "", key.name);
  });
}

type ChooseKeyDeps = Pick<ConfigureToolsDeps, "dialogs" | "ring" | "toolsKey" | "now">;

/** Of the keys that are listed; asks where there is a choice. Throws UserError where there is none, and CancelledError. */
export async function chooseToolsKey(deps: ChooseKeyDeps, access: Access, question: string): Promise<Key> {
  const state = deps.ring.current;
  if (state.kind === "failed") throw new UserError(state.message);
  if (state.kind !== "ready") throw new CancelledError();
  const keys = state.keys.filter((key) => isUsable(key) && state.storedIds.has(key.id));
  const [only] = keys;
  if (only === undefined) {
    throw new UserError("No working key has its secret in this editor. Create a key first.");
  }
  const key =
    keys.length === 1
      ? only
      : await deps.dialogs.pickOne(
          title,
          question,
          keys.map((value) => {
            const facts = { isToolsKey: value.id === state.toolsKeyId, isStored: true, now: deps.now() };
            const { label, description } = keyRow(value, facts);
            return { label, description, value };
          }),
        );
  if (key === undefined) throw new CancelledError();
  await deps.toolsKey.use(access, key.id);
  await deps.ring.refresh();
  return key;
}

interface UndoToolsDeps extends ToolsDeps {
  readonly ring: Pick<KeyRing, "refresh">;
}

/** The command: sets tools back to what they were before. Works without a session and without an address. */
export async function undoTools(deps: UndoToolsDeps): Promise<void> {
  const { dialogs } = deps;
  const setup = await deps.toolSetup();
  const configured = (await setup.detect()).filter(({ state }) => state === "configured");
  if (configured.length === 0) {
    void dialogs.info("No coding tool is set up by OpenRouter Keys.");
    return;
  }
  const choices = configured.map(({ id, label, detail }) => ({ label, detail, value: id }));
  const chosen = await dialogs.pickMany("Undo Tool Setup", "Set these tools back to what they were?", choices);
  if (chosen === undefined || chosen.length === 0) return;
  await undoAndSay(deps, setup, chosen);
  await deps.ring.refresh();
}

async function undoAndSay(deps: ToolsDeps, setup: ToolSetup, ids: readonly ToolId[]): Promise<void> {
  const { dialogs, toolsKey } = deps;
  const outcomes = await dialogs.progress("Setting coding tools back", (signal) => setup.undo(ids, signal));
  const done = outcomes.filter((outcome) => outcome.ok);
  const failed = outcomes.filter((outcome) => !outcome.ok);

  // With no tool left to serve, the helper must not give the key to anybody.
  const left = (await setup.detect()).filter(({ state }) => state === "configured");
  const reading = deps.address();
  if (left.length === 0 && reading.kind === "address") await toolsKey.forget(reading.address);

  const sentences = [
    ...(done.length === 0 ? [] : [`${listOf(labelsOf(done))} ${done.length === 1 ? "is" : "are"} set back.`]),
    ...new Set(done.map(({ next }) => next)),
    ...failed.map(({ label, message }) => `${label}: ${message}`),
  ];
  const message = sentences.join(" ");
  void (failed.length > 0 ? dialogs.warn(message) : dialogs.info(message));
}

function labelsOf(outcomes: readonly ToolOutcome[]): readonly string[] {
  return outcomes.map(({ label }) => label);
}

function listOf(labels: readonly string[]): string {
  return new Intl.ListFormat("en", { style: "long", type: "conjunction" }).format(labels);
}
