import type { MeAnswer } from "../../functions/contract/account.ts";
import type { Key } from "../../functions/contract/keys.ts";
import type { Access, AccessToken } from "../account/access-token.ts";
import type { AddressReading } from "../account/function-address.ts";
import { FunctionError } from "../account/function-error.ts";
import type { SessionStore } from "../account/session.ts";
import type { Clock } from "../base/clock.ts";
import { createEmitter, type Event } from "../base/emitter.ts";
import { describe, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { createPace } from "../base/pace.ts";
import type { KeyService } from "./key-service.ts";
import type { SecretVault } from "./secret-vault.ts";
import type { ToolsKeyChoice } from "./tools-key.ts";

export interface ReadyKeys {
  readonly kind: "ready";
  readonly keys: readonly Key[];
  readonly me: MeAnswer;
  /** When the spend was read, ISO 8601. */
  readonly asOf: string;
  /** False when OpenRouter could not be asked about every key. */
  readonly complete: boolean;
  readonly toolsKeyId: string | undefined;
  /** The keys whose secret is in this editor's secret storage. */
  readonly storedIds: ReadonlySet<string>;
}

/** Replaced whole, never changed. */
export type KeyRingState =
  | { readonly kind: "no-address"; readonly fault: string | undefined }
  | { readonly kind: "signed-out"; readonly expired: boolean }
  | { readonly kind: "loading" }
  | ReadyKeys
  | { readonly kind: "failed"; readonly message: string; readonly previous: ReadyKeys | undefined };

export interface KeyRing {
  readonly current: KeyRingState;
  readonly onDidChange: Event<KeyRingState>;
  /** Asks now. Calls during a refresh lead to one more. Never rejects: a failure is a state. */
  refresh(): Promise<void>;
  /** For timers and focus: like refresh, but not when it is hardly old, and rarely after failures. Never rejects. */
  poll(): Promise<void>;
  dispose(): void;
}

interface KeyRingDeps {
  readonly address: () => AddressReading;
  readonly accessToken: Pick<AccessToken, "existing">;
  readonly sessions: Pick<SessionStore, "read">;
  readonly service: Pick<KeyService, "me" | "list">;
  readonly vault: SecretVault;
  readonly toolsKey: Pick<ToolsKeyChoice, "read">;
  readonly clock: Clock;
  readonly log: Log;
}

export function createKeyRing(deps: KeyRingDeps): KeyRing {
  const changes = createEmitter<KeyRingState>();
  let current: KeyRingState = { kind: "loading" };
  let shownFor: string | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  const pace = createPace(deps.clock);

  function become(state: KeyRingState, identity: string | undefined): void {
    current = state;
    shownFor = identity;
    changes.fire(state);
  }

  async function refreshOnce(): Promise<void> {
    const reading = deps.address();
    if (reading.kind !== "address") {
      become({ kind: "no-address", fault: reading.kind === "fault" ? reading.message : undefined }, undefined);
      return;
    }
    const access = await deps.accessToken.existing();
    if (access === undefined) {
      const session = await deps.sessions.read(reading.address);
      become({ kind: "signed-out", expired: session.kind === "expired" }, undefined);
      return;
    }

    // Another account's keys must not stand there while this account's are on their way.
    const identity = `${access.address.base} ${access.account.id}`;
    if (shownFor !== identity) become({ kind: "loading" }, identity);
    try {
      const state = await read(access);
      if (!(await isStillCurrent(access))) {
        again = true;
        return;
      }
      pace.answered();
      become(state, identity);
    } catch (error) {
      if (!(await isStillCurrent(access))) {
        again = true;
        return;
      }
      deps.log.warn(`The keys could not be read: ${describe(error)}`);
      pace.failed(error instanceof FunctionError ? error.retryAfter : undefined);
      const message = error instanceof UserError ? error.message : "The keys could not be read. The log says why.";
      become({ kind: "failed", message, previous: previousOf(current) }, identity);
    }
  }

  async function read(access: Access): Promise<ReadyKeys> {
    const [me, list, toolsKeyId] = await Promise.all([
      deps.service.me(access),
      deps.service.list(access),
      deps.toolsKey.read(access),
    ]);
    const secrets = await Promise.all(list.keys.map(({ id }) => deps.vault.secrets.read(access.address, id)));
    return {
      kind: "ready",
      keys: list.keys,
      me,
      asOf: list.spendAsOf,
      complete: list.spendComplete,
      toolsKeyId,
      storedIds: new Set(list.keys.filter((_, index) => secrets[index] !== undefined).map(({ id }) => id)),
    };
  }

  async function isStillCurrent(access: Access): Promise<boolean> {
    return (await deps.accessToken.existing())?.token === access.token;
  }

  function refresh(): Promise<void> {
    if (running !== undefined) {
      again = true;
      return running;
    }
    running = (async () => {
      try {
        do {
          again = false;
          await refreshOnce();
        } while (again);
      } catch (error) {
        deps.log.error(`The keys could not be refreshed: ${describe(error)}`);
        become(
          { kind: "failed", message: "The keys could not be read. The log says why.", previous: undefined },
          undefined,
        );
      } finally {
        running = undefined;
      }
    })();
    return running;
  }

  return {
    get current() {
      return current;
    },
    onDidChange: changes.event,
    refresh,
    poll: async () => {
      if (pace.isDue()) await refresh();
    },
    dispose: () => changes.dispose(),
  };
}

/** What was known last of the keys, also after a failure. */
export function previousOf(state: KeyRingState): ReadyKeys | undefined {
  if (state.kind === "ready") return state;
  return state.kind === "failed" ? state.previous : undefined;
}
