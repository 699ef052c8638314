/**
 * The one way a secret leaves the secret storage for the person's own hands: into the clipboard, after a yes, and out of
 * it again after a minute if it is still there, or when the window closes. It is shown nowhere.
 */
import type { Clock } from "../base/clock.ts";
import { CancelledError, describe, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isLive } from "../keys/key-row.ts";
import { choose, type ChangeKeyDeps } from "./change-key.ts";
import { withAccess } from "./with-access.ts";

export interface Clipboard {
  readText(): PromiseLike<string>;
  writeText(text: string): PromiseLike<void>;
}

export interface CopySecretDeps extends ChangeKeyDeps {
  readonly clipboard: Clipboard;
  readonly clock: Pick<Clock, "sleep">;
  readonly log: Log;
}

export interface SecretCopies {
  copy(argument: unknown): Promise<void>;
  /** For the end of the window: what is still in the clipboard goes. Never rejects. */
  clear(): Promise<void>;
}

const keptFor = 60_000;

export function createSecretCopies(deps: CopySecretDeps): SecretCopies {
  const { dialogs, clipboard, clock, log } = deps;
  let copied: string | undefined;
  let ending = new AbortController();

  async function clear(): Promise<void> {
    ending.abort();
    const secret = copied;
    copied = undefined;
    if (secret === undefined) return;
    try {
      // Whatever the person has copied since is theirs. An editor in a browser that may not look reads nothing.
      const found = await clipboard.readText();
      if (found === secret || found === "") await clipboard.writeText("");
    } catch (error) {
      log.warn(`The clipboard could not be cleared: ${describe(error)}`);
    }
  }

  async function clearLater(secret: string): Promise<void> {
    ending.abort();
    ending = new AbortController();
    copied = secret;
    const { signal } = ending;
    try {
      await clock.sleep(keptFor, signal);
    } catch {
      // Another secret was copied, or the window closes.
      return;
    }
    if (!signal.aborted) await clear();
  }

  return {
    copy: async (argument) => {
      const stored = storedIn(deps);
      const { key, isStored } = await choose(deps, argument, "Copy Secret", (each) => isLive(each) && stored(each.id));
      if (!isStored) throw notHere(key.name);
      const detail =
        "Whoever has it can spend on your account until the key is disabled. It is taken out of the clipboard after a minute, if it is still there; a clipboard history may keep it.";
      if (!(await dialogs.confirm(`Copy the secret of “${key.name}”?`, detail, "Copy Secret")))
        throw new CancelledError();
      const secret = await withAccess(deps, ({ address }) => deps.vault.secrets.read(address, key.id));
      if (secret === undefined) throw notHere(key.name);
      await clipboard.writeText(secret);
      void clearLater(secret);
      void dialogs.info(`The secret of “${key.name}” is in the clipboard for a minute.`);
    },
    clear,
  };
}

function storedIn({ ring }: CopySecretDeps): (keyId: string) => boolean {
  return (keyId) => ring.current.kind === "ready" && ring.current.storedIds.has(keyId);
}

function notHere(name: string): UserError {
  return new UserError(
    `The secret of “${name}” is not stored in this editor, and nobody else has it. Rotate the key to get one that is.`,
  );
}
