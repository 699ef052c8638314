import type { Access } from "../../../extension/account/access-token.ts";
import { type AddressReading, readFunctionAddress } from "../../../extension/account/function-address.ts";
import { createFunctionClient } from "../../../extension/account/function-client.ts";
import { createSessionStore } from "../../../extension/account/session.ts";
import { CancelledError } from "../../../extension/base/errors.ts";
import { createKeyCreation } from "../../../extension/keys/create-key.ts";
import { createKeyRing } from "../../../extension/keys/key-ring.ts";
import { createKeyService } from "../../../extension/keys/key-service.ts";
import type { LiveCheck } from "../../../extension/keys/live-check.ts";
import { createSecretVault } from "../../../extension/keys/secret-vault.ts";
import { createToolsKeyChoice } from "../../../extension/keys/tools-key.ts";
import type { DetectedTool, ToolOutcome, ToolSetup } from "../../../extension/tools/tool-setup.ts";
import { catalogue } from "../../../extension/tools/catalogue.ts";
import type { ToolId } from "../../../extension/tools/catalogue.ts";
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
      (["claude-code", "codex"] as const).map((id) => {
        const state = tools[id] ?? "not-found";
        return { id, label: labelOf(id), state, detail: `${labelOf(id)} is ${state}.` };
      }),
    plan: async () => [],
    apply: change("apply", "configured"),
    verify: async () => [],
    undo: change("undo", "available"),
    refresh: async () => {},
  };

  const shared = {
    dialogs,
    address: reading,
    setAddress,
    accessToken,
    toolSetup: async () => setup,
    toolsKey,
    ring,
    service,
    vault,
    now: clock.now,
  };
  const settling = createSettling({
    ...shared,
    creation: async () => creation,
    clock,
    log,
    lifetime: AbortSignal.abort(),
  });
  let settles = 0;
  return {
    ...shared,
    remote,
    storage,
    clock,
    log,
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
      openRouterUrl: (): AddressReading => ({
        kind: "address",
        address: { base: "https://openrouter.test/api/v1", origin: "https://openrouter.test" },
      }),
      checkLive: async (): Promise<LiveCheck> => options.check ?? { kind: "works" },
      machineName: "laptop",
      settleLater: () => void (settles += 1),
    },
  };
}

/** Lets what was started without waiting for it (messages, above all) come to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
