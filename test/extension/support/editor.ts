import type { Access } from "../../../extension/account/access-token.ts";
import { type AddressReading, readFunctionAddress } from "../../../extension/account/function-address.ts";
import { createFunctionClient } from "../../../extension/account/function-client.ts";
import { createSessionStore } from "../../../extension/account/session.ts";
import { CancelledError } from "../../../extension/base/errors.ts";
import type { KeychainCopy, KeychainState } from "../../../extension/key-helper/keychain-copy.ts";
import { createKeyCreation } from "../../../extension/keys/create-key.ts";
import { createKeyRing } from "../../../extension/keys/key-ring.ts";
import { createKeyService } from "../../../extension/keys/key-service.ts";
import type { LiveCheck } from "../../../extension/keys/live-check.ts";
import { createSecretVault } from "../../../extension/keys/secret-vault.ts";
import { createToolsKeyChoice } from "../../../extension/keys/tools-key.ts";
import type { DetectedTool, ToolOutcome, ToolSetup } from "../../../extension/tools/tool-setup.ts";
import { catalogue } from "../../../extension/tools/catalogue.ts";
import type { ToolId } from "../../../extension/tools/catalogue.ts";
import type { ToolUse } from "../../../extension/tools/tool.ts";
import type { Memory } from "../../../extension/base/memory.ts";
import { createLeftOutTools } from "../../../extension/ui/left-out-tools.ts";
import { createStopNotice } from "../../../extension/ui/stop-notice.ts";
import { type PickTools, setToolsBack } from "../../../extension/ui/set-up-tools.ts";
import { createSettling } from "../../../extension/ui/settle-keys.ts";
import { MemorySecretStorage } from "../../support/memory-secret-storage.ts";
import { account, base, createFakeFunction, token } from "./fake-function.ts";
import { createManualClock } from "./manual-clock.ts";
import { createRecordingLog } from "./recording-log.ts";
import { createScriptedDialogs } from "./scripted-dialogs.ts";

export const address = { base, origin: base };

interface EditorOptions {
  readonly remote?: ReturnType<typeof createFakeFunction>;
  readonly storage?: MemorySecretStorage;
  readonly reading?: AddressReading;
  readonly isSignedIn?: boolean;
  /** The person finishes a sign-in that is asked for. */
  readonly signsIn?: boolean;
  /** Who finishes it. */
  readonly signsInAs?: typeof account;
  readonly answers?: (readonly [text: string, answer: unknown])[];
  readonly tools?: Partial<Record<ToolId, DetectedTool["state"]>>;
  /** The settings of the person's own that each tool has. */
  readonly conflicts?: readonly string[];
  /** What is particular to a tool's use of the key; the others ask the helper again and again. */
  readonly use?: Partial<Record<ToolId, Partial<ToolUse>>>;
  readonly isInFront?: boolean;
  readonly keychain?: KeychainState;
  /** What the check after the set-up finds. */
  readonly verify?: ToolSetup["verify"];
  /** What the editor remembers; share one between two windows of one person. */
  readonly memory?: Map<string, unknown>;
  /** The tools whose changes the person looks at before choosing. */
  readonly looksAt?: readonly ToolId[];
  readonly check?: LiveCheck;
}

/** A window of the editor with a person in front of it: everything is real but network, storage, clock and dialogs. */
export async function createEditor(options: EditorOptions = {}) {
  const remote = options.remote ?? createFakeFunction();
  const storage = options.storage ?? new MemorySecretStorage();
  const clock = createManualClock();
  const log = createRecordingLog();
  const dialogs = createScriptedDialogs(...(options.answers ?? []));
  const client = createFunctionClient({ fetch: remote.fetch, client: "test", log });
  const sessions = createSessionStore({ store: storage, now: clock.now, log });
  const service = createKeyService({ client, sessions });
  const vault = createSecretVault(storage);
  /** What the person has set in the meantime counts more. */
  let set: AddressReading | undefined;
  const reading = (): AddressReading => set ?? options.reading ?? { kind: "address", address };
  const setAddress = async (text: string): Promise<void> => void (set = readFunctionAddress(text));
  const toolsKey = createToolsKeyChoice({ address: reading, vault, sessions });
  const creation = createKeyCreation({ service, vault, clock, log });

  const signInNow = async (who = account): Promise<void> => {
    remote.sessions.add(token);
    const answer = { sessionToken: token, expiresAt: "2026-12-01T10:00:00.000Z", isAdmin: false };
    await sessions.signedIn(address, { ...answer, account: who });
  };
  if (options.isSignedIn ?? true) await signInNow();
  const asked: string[] = [];
  const existing = async (): Promise<Access | undefined> => {
    const session = await sessions.read(address);
    return session.kind === "signed-in" ? { address, token: session.token, account: session.account } : undefined;
  };
  const accessToken = {
    existing,
    ask: async ({ fresh = false } = {}): Promise<Access> => {
      asked.push(fresh ? "fresh" : "sign in");
      if (options.signsIn === false) throw new CancelledError();
      const who = options.signsInAs ?? account;
      await signInNow(who);
      return { address, token, account: who };
    },
  };
  const ring = createKeyRing({ address: reading, accessToken, sessions, service, vault, toolsKey, clock, log });

  const tools: Partial<Record<ToolId, DetectedTool["state"]>> = {
    ...(options.tools ?? { "claude-code": "available" }),
  };
  const labelOf = (id: ToolId): string => catalogue.find((tool) => tool.id === id)?.label ?? id;
  const toolCalls: string[] = [];
  /** What was done to prove that a key works, in order. */
  const checks: string[] = [];
  const change =
    (verb: string, state: DetectedTool["state"]) =>
    async (ids: readonly ToolId[]): Promise<ToolOutcome[]> =>
      ids.map((id) => {
        toolCalls.push(`${verb} ${id}`);
        tools[id] = state;
        return { id, label: labelOf(id), ok: true, changed: [`~/${id}`], next: `Restart ${labelOf(id)}.` };
      });
  const setup: ToolSetup = {
    detect: async () =>
      [...(["claude-code", "codex"] as const), ...(tools["copilot-cli"] ? (["copilot-cli"] as const) : [])].map(
        (id) => {
          const state = tools[id] ?? "not-found";
          return {
            id,
            ...(id === "copilot-cli" && { isOptIn: true }),
            label: labelOf(id),
            state,
            detail: `${labelOf(id)} is ${state}.`,
          };
        },
      ),
    plan: async ([id]) =>
      (options.conflicts ?? []).map((setting) => ({
        file: `~/${id}`,
        setting,
        value: "ours",
        replaces: true,
      })),
    preview: async (id) => [{ file: `~/${id}`, before: "theirs", after: "ours" }],
    apply: change("apply", "configured"),
    verify: async (ids, signal) => {
      checks.push(`verify ${ids.join(" ")}`);
      return (await options.verify?.(ids, signal)) ?? [];
    },
    inUse: async () =>
      (["claude-code", "codex"] as const)
        .filter((id) => tools[id] === "configured")
        .map((id) => ({
          id,
          label: labelOf(id),
          isCurrent: true,
          holdsKey: false,
          rereadsKey: true,
          ...options.use?.[id],
        })),
    undo: change("undo", "available"),
    refresh: async () => void toolCalls.push("refresh"),
  };

  const memory = options.memory ?? new Map<string, unknown>();
  const remembering: Memory = {
    get: (key) => memory.get(key),
    update: async (key, value) => void memory.set(key, value),
  };
  const pickTools: PickTools = async ({ title, placeholder, notes }, choices, previewOf) => {
    dialogs.shown.push(...notes.map((note) => `note: ${note}`));
    for (const { id, detail } of choices.filter(({ id }) => options.looksAt?.includes(id) === true)) {
      const previews = await previewOf(id);
      dialogs.shown.push(`changes: ${detail} ${previews.map(({ before, after }) => `${before} → ${after}`).join(" ")}`);
    }
    return dialogs.pickMany(
      title,
      placeholder,
      choices.map(({ id, label, isPicked }) => ({ label: isPicked ? label : `${label}, unticked`, value: id })),
    );
  };

  const toolsDeps = {
    dialogs,
    address: reading,
    setAddress,
    toolSetup: async () => setup,
    keychain: async (): Promise<KeychainCopy> => ({
      state: async () => options.keychain ?? { kind: "unavailable", why: "There is no keychain." },
      turnOn: async () => void toolCalls.push("keep a copy"),
      turnOff: async () => void toolCalls.push("remove the copy"),
      sync: async () => {},
    }),
    toolsInUse: () => setup.inUse(),
    refreshTools: () => setup.refresh(),
    pickTools,
    leftOut: createLeftOutTools(remembering, "machine"),
    toolsKey,
    openRouterUrl: (): AddressReading => ({
      kind: "address",
      address: { base: "https://openrouter.test/api/v1", origin: "https://openrouter.test" },
    }),
    checkLive: async (): Promise<LiveCheck> => {
      checks.push("ask OpenRouter");
      return options.check ?? { kind: "works" };
    },
    serve: async () => void checks.push("serve"),
    log,
  };
  const stopNotice = createStopNotice({
    dialogs,
    memory: remembering,
    toolsInUse: toolsDeps.toolsInUse,
    setBack: (used) => setToolsBack(toolsDeps, used),
    isInFront: () => options.isInFront ?? true,
  });
  ring.onDidChange((state) => void stopNotice.follow(state));
  sessions.onLeft(() => void stopNotice.left());
  const shared = { ...toolsDeps, accessToken, stopNotice, ring, service, vault, now: clock.now };
  const settling = createSettling({
    ...shared,
    creation: async () => creation,
    clock,
    lifetime: AbortSignal.abort(),
  });
  let settles = 0;
  return {
    ...shared,
    remote,
    storage,
    clock,
    checks,
    sessions,
    client,
    creation,
    asked,
    toolCalls,
    settle: settling.settle,
    settlesAsked: () => settles,
    createKeyDeps: {
      ...shared,
      creation,
      machineName: "laptop",
      settleLater: () => void (settles += 1),
    },
  };
}

/** Lets what was started without waiting for it (messages, above all) come to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
