import type { Key } from "../../functions/contract/keys.ts";
import { FunctionError } from "../account/function-error.ts";
import { CancelledError, describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { expiringKeys, isLastDay } from "../keys/expiring-keys.ts";
import type { KeyRingState } from "../keys/key-ring.ts";
import { dayOf } from "../keys/wording.ts";
import type { ExpiryMode } from "../manifest.ts";
import { makeAndCheck } from "./create-key.ts";
import { rotateKey, type RotateKeyDeps, tellRotated } from "./rotate-key.ts";
import { runCommand } from "./run-command.ts";

interface ReplaceDeps extends RotateKeyDeps {
  readonly mode: () => ExpiryMode;
  readonly setMode: (mode: ExpiryMode) => Promise<void>;
  /** As the editor keeps it for all windows: nothing but ids may be put there. */
  readonly memory: { get(key: string): unknown; update(key: string, value: string): PromiseLike<void> };
  /** One window acts: the one in front. */
  readonly isInFront: () => boolean;
  readonly log: Log;
}

const saidKey = "expiring.said";
const tryAgainAfter = 60 * 60_000;

/**
 * Replaces keys some days before they expire, after having asked once whether it should. A rotation that another window
 * or an earlier start has begun is gone on with; of two that begin in the same moment the function lets one through.
 * Never opens a browser by itself.
 */
export function createReplacing(deps: ReplaceDeps): { readonly follow: (state: KeyRingState) => Promise<void> } {
  const { dialogs, memory, log } = deps;
  const notBefore = new Map<string, number>();
  let isBusy = false;

  async function replace(key: Key): Promise<void> {
    notBefore.set(key.id, deps.now() + tryAgainAfter);
    const access = await deps.accessToken.existing();
    if (access === undefined) return;
    try {
      const title = `Replacing the key “${key.name}”, which expires on ${dayOf(key.expiresAt)}`;
      const made = await makeAndCheck(deps, title, access, (signal, report) =>
        deps.creation.rotate(access, key, signal, report),
      );
      await tellRotated(deps, { ...made, access });
    } catch (error) {
      if (error instanceof CancelledError) return;
      log.warn(`The key ${key.id} could not be replaced before it expires: ${describe(error)}`);
      if (error instanceof FunctionError && (error.code === "reauth_required" || error.code === "unauthorized")) {
        await offerSignIn(key);
      } else if (isLastDay(key, deps.now()) && (await isUnsaid(`${key.id} failed`))) {
        const reason = error instanceof FunctionError ? ` ${error.message}` : "";
        void dialogs.warn(
          `The key “${key.name}” expires on ${dayOf(key.expiresAt)} and could not be replaced.${reason}`,
        );
      }
      void deps.ring.refresh();
    }
  }

  /** A new key needs a sign-in of the last 12 hours, and only the person can bring that. */
  async function offerSignIn(key: Key): Promise<void> {
    const stage = isLastDay(key, deps.now()) ? "last" : "soon";
    if (!(await isUnsaid(`${key.id} sign-in ${stage}`))) return;
    const message = `The key “${key.name}” expires on ${dayOf(key.expiresAt)}. Sign in to have it replaced.`;
    if ((await dialogs.info(message, "Sign In")) === undefined) return;
    await runCommand(deps, "replace a key that expires", () => rotateKey(deps, { keyId: key.id }));
  }

  async function ask(key: Key): Promise<void> {
    if (!(await isUnsaid(`${key.id} ask ${isLastDay(key, deps.now()) ? "last" : "soon"}`))) return;
    const message = `The key “${key.name}” expires on ${dayOf(key.expiresAt)}. Should keys be replaced by themselves before they expire? Coding tools that are set up here go on working.`;
    const pressed = await dialogs.info(message, "Replace Them", "Never");
    if (pressed === undefined) return;
    await deps.setMode(pressed === "Never" ? "never" : "always");
    if (pressed !== "Never") await replace(key);
  }

  /** Once, over all windows and starts; kept in mind before it is said. */
  async function isUnsaid(what: string): Promise<boolean> {
    const kept = memory.get(saidKey);
    const said = typeof kept === "string" ? kept.split("\n") : [];
    if (said.includes(what)) return false;
    await memory.update(saidKey, [...said, what].slice(-50).join("\n"));
    return true;
  }

  return {
    follow: async (state) => {
      if (state.kind !== "ready" || isBusy || !deps.isInFront()) return;
      const mode = deps.mode();
      if (mode === "never") return;
      const due = expiringKeys(state, deps.now()).filter(({ id }) => (notBefore.get(id) ?? 0) <= deps.now());
      isBusy = true;
      try {
        for (const key of due) {
          if (mode === "always") await replace(key);
          else await ask(key);
        }
      } finally {
        isBusy = false;
      }
    },
  };
}
