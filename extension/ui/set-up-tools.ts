import type { Key } from "../../functions/contract/keys.ts";
import type { Access } from "../account/access-token.ts";
import { CancelledError, UserError } from "../base/errors.ts";
import { isUsable, keyRow } from "../keys/key-row.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { ToolsKeyChoice } from "../keys/tools-key.ts";
import type { ToolId } from "../tools/catalogue.ts";
import type { FilePreview } from "../tools/preview.ts";
import type { DetectedTool, ToolInUse, ToolOutcome, ToolSetup } from "../tools/tool-setup.ts";
import type { Dialogs } from "./dialogs.ts";
import type { LeftOutTools } from "./left-out-tools.ts";
import { listOf } from "./list-of.ts";
import { type Proof, type ProveDeps, proveTools } from "./prove-tools.ts";
import { runCommand } from "./run-command.ts";
import { agree, offerButton, type WhileClosedDeps } from "./while-closed.ts";
import { type AccessDeps, withAccess } from "./with-access.ts";

export interface ToolChoice {
  readonly id: ToolId;
  readonly label: string;
  readonly description?: string;
  readonly detail: string;
  readonly isPicked: boolean;
  /** There is something to show before it is agreed to. */
  readonly hasChanges: boolean;
}

/**
 * The one question for all tools, with a way to see what would change in each. Undefined when it was dismissed. Never
 * rejects.
 */
export type PickTools = (
  question: {
    readonly title: string;
    readonly placeholder: string;
    /** They stand below the tools and cannot be chosen. */
    readonly notes: readonly string[];
  },
  choices: readonly ToolChoice[],
  previewOf: (id: ToolId) => Promise<readonly FilePreview[]>,
) => Promise<readonly ToolId[] | undefined>;

export interface ToolsDeps extends ProveDeps, Pick<WhileClosedDeps, "keychain"> {
  readonly dialogs: Dialogs;
  /** Ready to write: the key helper is installed. Throws UserError where that failed. */
  readonly toolSetup: () => Promise<ToolSetup>;
  readonly toolsKey: ToolsKeyChoice;
  /** The tools that were set up on this machine. Never rejects. */
  readonly toolsInUse: () => Promise<readonly ToolInUse[]>;
  /** Gives a changed key to the tools that have it in a file. Never rejects. */
  readonly refreshTools: () => Promise<void>;
  readonly pickTools: PickTools;
  readonly leftOut: LeftOutTools;
  readonly address: AccessDeps["address"];
}

const title = "Set Up Coding Tools";

interface ToolsOffer {
  /** The sentence that the one message at the end begins with; it may be empty. */
  readonly opening: string;
  readonly keyName: string;
  /** OpenRouter has just been asked about the key, and `opening` says what came of it. */
  readonly isKeyChecked: boolean;
}

/** Asks which of the tools found are to use the key, sets them up, proves that it reaches them and says what came of it. */
export async function offerTools(deps: ToolsDeps, { opening, keyName, isKeyChecked }: ToolsOffer): Promise<void> {
  const { dialogs } = deps;
  const setup = await deps.toolSetup().catch((error: unknown) => {
    if (opening === "" || !(error instanceof UserError)) throw error;
    // What is done has to be heard of although the tools are not to be had.
    void dialogs.warn(opening.includes(error.message) ? opening : `${opening} ${error.message}`);
    return undefined;
  });
  if (setup === undefined) return;
  const { detected, choices } = await look(deps, setup);
  if (choices.length === 0) {
    void dialogs.info([opening, ...nothingFound(detected)].filter((sentence) => sentence !== "").join(" "));
    return;
  }

  const question = {
    title,
    placeholder: `Set up these tools to use the key “${keyName}”?`,
    notes: notesOn(detected),
  };
  const chosen = await deps.pickTools(question, choices, (id) => setup.preview(id));
  if (chosen !== undefined)
    await deps.leftOut.keep(
      choices.map(({ id }) => id),
      chosen,
    );
  if (chosen === undefined || chosen.length === 0) {
    if (opening !== "") void dialogs.info(opening);
    return;
  }

  const { outcomes, proof } = await dialogs.progress("Setting up coding tools", async (signal, report) => {
    const outcomes = await setup.apply(chosen, signal);
    report("Checking that the key reaches them…");
    const done = outcomes.filter(({ ok }) => ok).map(({ id }) => id);
    return { outcomes, proof: await proveTools(deps, setup, done, { signal, isKeyChecked }) };
  });
  void conclude(deps, setup, { opening, keyName, outcomes, proof });
}

/** Every tool that can be set up, with what of the person's own it would replace. */
async function look(
  { leftOut }: ToolsDeps,
  setup: ToolSetup,
): Promise<{ readonly detected: readonly DetectedTool[]; readonly choices: readonly ToolChoice[] }> {
  const detected = await setup.detect();
  const unwanted = leftOut.read();
  const choices: ToolChoice[] = [];
  for (const { id, label, state, detail, isOptIn } of detected) {
    if (state !== "available" && state !== "configured") continue;
    const plan = state === "configured" ? [] : await setup.plan([id]);
    const replaced = [...new Set(plan.filter(({ replaces }) => replaces).map(({ setting }) => setting))];
    const conflict = replaced.length === 0 ? "" : `Replaces your own ${listOf(replaced)}, which undo puts back. `;
    choices.push({
      id,
      label,
      detail: `${conflict}${detail}`,
      ...(state === "configured" ? { description: "already set up" } : {}),
      isPicked: !unwanted.has(id) && (isOptIn !== true || state === "configured"),
      hasChanges: state === "available",
    });
  }
  return { detected, choices };
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

interface Concluded extends Omit<ToolsOffer, "isKeyChecked"> {
  readonly outcomes: readonly ToolOutcome[];
  readonly proof: Proof;
}

/** One message, whatever happened. Never rejects. */
async function conclude(
  deps: ToolsDeps,
  setup: ToolSetup,
  { opening, keyName, outcomes, proof }: Concluded,
): Promise<void> {
  const { dialogs } = deps;
  const written = outcomes.filter((outcome) => outcome.ok);
  const done = written.filter(({ id }) => !proof.failed.some((outcome) => outcome.id === id));
  const failed = [...outcomes, ...proof.failed].filter((outcome) => !outcome.ok);
  const sentences = [
    opening,
    ...(done.length === 0
      ? []
      : [
          `${listOf(labelsOf(done))} ${done.length === 1 ? "uses" : "use"} ${opening === "" ? `the key “${keyName}”` : "it"}.`,
        ]),
    ...new Set(done.map(({ next }) => next)),
    ...reasonsOf(failed),
    ...proof.notes,
  ].filter((sentence) => sentence !== "");
  const offer = (await offerButton(deps)) ?? "";
  const asksHelper = async (): Promise<boolean> =>
    (await deps.toolsInUse()).some(({ id, holdsKey }) => !holdsKey && done.some((outcome) => outcome.id === id));
  const buttons = written.length === 0 ? [] : ["Undo", ...(offer !== "" && (await asksHelper()) ? [offer] : [])];
  const message = sentences.join(" ");
  const pressed = await (failed.length + proof.notes.length > 0
    ? dialogs.warn(message, ...buttons)
    : dialogs.info(message, ...buttons));
  if (pressed === undefined) return;
  if (pressed === offer) {
    await runCommand(deps, "let tools work while VS Code is closed", () => agree(deps));
    return;
  }
  try {
    await undoAndSay(
      deps,
      setup,
      written.map(({ id }) => id),
    );
  } catch {
    sayNotSetBack(deps);
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
    await offerTools(deps, { opening: "", keyName: key.name, isKeyChecked: false });
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

/** From a message that named the tools: sets them back at once. Never rejects. */
export async function setToolsBack(deps: ToolsDeps, tools: readonly ToolInUse[]): Promise<void> {
  try {
    await undoAndSay(
      deps,
      await deps.toolSetup(),
      tools.map(({ id }) => id),
    );
  } catch (error) {
    if (!(error instanceof CancelledError)) sayNotSetBack(deps);
  }
}

function sayNotSetBack({ dialogs }: ToolsDeps): void {
  void dialogs.error("The tools could not be set back. Run “OpenRouter Keys: Undo Tool Setup” to try again.");
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
    ...reasonsOf(failed),
  ];
  const message = sentences.join(" ");
  void (failed.length > 0 ? dialogs.warn(message) : dialogs.info(message));
}

/** What several tools have in common is said once. */
function reasonsOf(failed: readonly Extract<ToolOutcome, { ok: false }>[]): readonly string[] {
  const messages = [...new Set(failed.map(({ message }) => message))];
  return messages.map((message) => `${listOf(labelsOf(failed.filter((one) => one.message === message)))}: ${message}`);
}

function labelsOf(outcomes: readonly ToolOutcome[]): readonly string[] {
  return outcomes.map(({ label }) => label);
}
