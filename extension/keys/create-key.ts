/**
 * Makes a key, or the successor of one, so that whatever is lost at whatever moment (the request, the answer, this process) there is exactly
 * one key in the end and its secret is stored. What is needed to repeat the request and to open its answer is stored
 * before anything is sent, and dropped only when the secret is stored, or when the function has definitely refused.
 */
import type { CreateKeyAnswer, Key, RotateKeyAnswer } from "../../functions/contract/keys.ts";
import type { CreateKeyRequest, RotateKeyRequest } from "../../functions/contract/requests.ts";
import type { Access } from "../account/access-token.ts";
import { FunctionError, leavesOutcomeOpen } from "../account/function-error.ts";
import type { Clock } from "../base/clock.ts";
import { CancelledError, describe, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { KeyService } from "./key-service.ts";
import { createRecipient, openSealed } from "./sealed-secret.ts";
import type { PendingKey, SecretVault } from "./secret-vault.ts";

/** The key that was replaced, and when it ends or has ended. */
type Retiring = RotateKeyAnswer["retiring"];

/** secret-lost: the key exists, and nobody can get its secret any more. discarded: it was cancelled, and is deleted. */
export type Delivery =
  | { readonly kind: "delivered"; readonly key: Key; readonly retiring: Retiring | undefined }
  | { readonly kind: "secret-lost"; readonly key: Key }
  | { readonly kind: "discarded" };

/** Signs in once more and answers the session to go on with; throws the error itself when that cannot help. */
type Renew = (error: FunctionError) => Promise<Access>;

/** Says what is happening, in a sentence, while it takes long. */
export type Report = (message: string) => void;

export interface KeyCreation {
  /**
   * Throws UserError (refused; or not answered, and then it goes on in the background) and CancelledError (nothing
   * was sent, or the key will be deleted by `settle`).
   */
  create(
    access: Access,
    request: Omit<CreateKeyRequest, "recipient">,
    signal: AbortSignal,
    report: Report,
    renew?: Renew,
  ): Promise<Delivery>;
  /**
   * Makes a key's successor, which has its name and limit and which tools get in its place. Goes on with a rotation of
   * it that has no end yet. Throws as `create` does; but a cancel ends only the waiting, as the key that is replaced
   * may be on its way out already.
   */
  rotate(
    access: Access,
    key: Pick<Key, "id" | "name">,
    signal: AbortSignal,
    report: Report,
    renew?: Renew,
  ): Promise<Delivery>;
  /** The creates of this account that have no end yet and are not to be discarded. */
  unfinished(access: Access): Promise<readonly PendingKey[]>;
  /** Goes on with one of them. Throws as `create` does. */
  finish(access: Access, entry: PendingKey, signal: AbortSignal, report: Report, renew?: Renew): Promise<Delivery>;
  /** Marks it: `settle` deletes the key. */
  discard(access: Access, entry: PendingKey): Promise<void>;
  /** Ends every create and rotation that an earlier window or a cancel left open, and says how each ended. Never rejects. */
  settle(access: Access): Promise<{ readonly deliveries: readonly Delivery[]; readonly leftOpen: number }>;
}

interface KeyCreationDeps {
  readonly service: Pick<KeyService, "create" | "rotate" | "received" | "delete">;
  readonly vault: SecretVault;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds during which an answer that leaves the outcome open is asked for again. */
const patience = 60_000;

export function createKeyCreation({ service, vault, clock, log }: KeyCreationDeps): KeyCreation {
  /** What this window is working on, by idempotency key: whoever else wants it finished waits for the same end. */
  const inHand = new Map<string, Promise<Delivery>>();

  async function create(
    access: Access,
    request: Omit<CreateKeyRequest, "recipient">,
    signal: AbortSignal,
    report: Report,
    renew?: Renew,
  ): Promise<Delivery> {
    if (signal.aborted) throw new CancelledError();
    const { recipient, privateKey } = await createRecipient();
    const body: CreateKeyRequest = { ...request, recipient };
    const entry = begin(access, { name: request.name, body: JSON.stringify(body), privateKey });
    return send(access, entry, { signal, report, renew, maybeSent: false });
  }

  async function rotate(
    access: Access,
    { id, name }: Pick<Key, "id" | "name">,
    signal: AbortSignal,
    report: Report,
    renew?: Renew,
  ): Promise<Delivery> {
    if (signal.aborted) throw new CancelledError();
    const underWay = await vault.pending.list(access.address, access.account.id);
    const earlier = underWay.find(({ replaces }) => replaces === id);
    if (earlier !== undefined) {
      return once(earlier, () => deliver(access, earlier, { signal, report, renew, maybeSent: true }));
    }
    const { recipient, privateKey } = await createRecipient();
    const body: RotateKeyRequest = { recipient };
    const entry = begin(access, { name, body: JSON.stringify(body), privateKey, replaces: id });
    return send(access, entry, { signal, report, renew, maybeSent: false });
  }

  function begin(access: Access, facts: Pick<PendingKey, "name" | "body" | "privateKey" | "replaces">): PendingKey {
    const accountId = access.account.id;
    return { ...facts, idempotencyKey: crypto.randomUUID(), accountId, createdAt: clock.now(), discard: false };
  }

  function send(access: Access, entry: PendingKey, attempt: Attempt): Promise<Delivery> {
    return once(entry, async () => {
      await vault.pending.put(access.address, entry).catch((cause: unknown) => {
        const message =
          "The editor's secret storage does not take anything, so no key was made. Unlock it and try again.";
        throw new UserError(message, { cause });
      });
      return deliver(access, entry, attempt);
    });
  }

  function once(entry: PendingKey, work: () => Promise<Delivery>): Promise<Delivery> {
    const running = inHand.get(entry.idempotencyKey);
    if (running !== undefined) return running;
    const delivery = work().finally(() => inHand.delete(entry.idempotencyKey));
    inHand.set(entry.idempotencyKey, delivery);
    return delivery;
  }

  interface Attempt {
    readonly signal: AbortSignal | undefined;
    readonly report: Report;
    /** Where a person is there to sign in again. */
    readonly renew: Renew | undefined;
    /** An earlier attempt may have reached the function, so a cancel has to look for the key. */
    readonly maybeSent: boolean;
  }

  async function deliver(begun: Access, entry: PendingKey, attempt: Attempt): Promise<Delivery> {
    const { access, answer } = await askUntilClear(begun, entry, attempt);
    const { key, sealedSecret, retiring } = answer;
    // Read again: another window may have been told to cancel.
    const discard = (await vault.pending.read(access.address, entry))?.discard ?? entry.discard;
    if (discard) return remove(access, entry, key.id);

    if (sealedSecret === undefined) {
      const isStored = (await vault.secrets.read(access.address, key.id)) !== undefined;
      if (isStored) await takeOver(access, entry, key);
      await vault.pending.drop(access.address, entry);
      return isStored ? { kind: "delivered", key, retiring } : { kind: "secret-lost", key };
    }
    const secret = await openSealed(sealedSecret, entry.privateKey);
    if (secret === undefined) {
      log.error(`The answer for the key ${key.id} cannot be opened.`);
      await vault.pending.drop(access.address, entry);
      return { kind: "secret-lost", key };
    }

    await vault.secrets.put(access.address, key.id, secret).catch((cause: unknown) => {
      const message = `The key “${entry.name}” was made, but the editor's secret storage does not take its secret.`;
      throw new UserError(`${message} Unlock the storage and restart the editor: the key arrives then.`, { cause });
    });
    await takeOver(access, entry, key);
    try {
      await service.received(access, key.id);
      await vault.pending.drop(access.address, entry);
    } catch (error) {
      // The secret is safe. The entry stays, so that the next start tells the function to erase its sealed copy.
      log.warn(`The key ${key.id} is stored, but the function could not be told: ${describe(error)}`);
    }
    return { kind: "delivered", key, retiring };
  }

  /** Tools that got the replaced key get its successor from now on. Before the entry is dropped, so never forgotten. */
  async function takeOver(access: Access, { replaces, accountId }: PendingKey, { id }: Key): Promise<void> {
    if (replaces === undefined || (await vault.toolsKey.read(access.address))?.keyId !== replaces) return;
    await vault.toolsKey.put(access.address, { keyId: id, accountId });
  }

  async function remove(access: Access, entry: PendingKey, keyId: string): Promise<Delivery> {
    await service.delete(access, keyId);
    await vault.secrets.forget(access.address, keyId);
    await vault.pending.drop(access.address, entry);
    return { kind: "discarded" };
  }

  async function askUntilClear(
    begun: Access,
    entry: PendingKey,
    attempt: Attempt,
  ): Promise<{ readonly access: Access; readonly answer: CreateKeyAnswer & { readonly retiring?: Retiring } }> {
    const { signal, report } = attempt;
    let access = begun;
    let giveUpAt = clock.now() + patience;
    let { maybeSent, renew } = attempt;
    const abandon = async (): Promise<never> => {
      if (!maybeSent) await vault.pending.drop(access.address, entry);
      else if (entry.replaces === undefined) await vault.pending.put(access.address, { ...entry, discard: true });
      throw new CancelledError();
    };

    for (let round = 0; ; round += 1) {
      if (signal?.aborted) return abandon();
      const earlierMaybeSent = maybeSent;
      try {
        maybeSent = true;
        return { access, answer: await ask(access, entry, signal) };
      } catch (error) {
        if (error instanceof CancelledError) return abandon();
        if (!(error instanceof FunctionError)) throw error;
        maybeSent = earlierMaybeSent || leavesOutcomeOpen(error);
        if (error.status === 401 && renew !== undefined) {
          report("Waiting for your sign-in…");
          access = await Promise.race([renewed(access, entry, renew, error, maybeSent), cancelled(signal)]).catch(
            async (failure: unknown) => {
              if (failure instanceof CancelledError) return abandon();
              throw failure;
            },
          );
          // Once: who has just signed in and is refused all the same would be sent in circles.
          renew = undefined;
          giveUpAt = clock.now() + patience;
          continue;
        }
        const wait = waitBefore(error, round);
        if (wait === undefined || clock.now() + wait > giveUpAt) throw await giveUp(access, entry, error, maybeSent);

        report(waiting(error));
        log.info(`The request for “${entry.name}” is repeated in ${wait} ms (${error.code}).`);
        await clock.sleep(wait, signal).catch(abandon);
      }
    }
  }

  function ask(
    access: Access,
    { replaces, idempotencyKey, body }: PendingKey,
    signal: AbortSignal | undefined,
  ): Promise<CreateKeyAnswer & { readonly retiring?: Retiring }> {
    return replaces === undefined
      ? service.create(access, idempotencyKey, body, signal)
      : service.rotate(access, replaces, idempotencyKey, body, signal);
  }

  /** The same request goes on in the next session: nothing was made, or its key is found by its Idempotency-Key. */
  async function renewed(
    access: Access,
    entry: PendingKey,
    renew: Renew,
    error: FunctionError,
    maybeSent: boolean,
  ): Promise<Access> {
    try {
      return await renew(error);
    } catch (failure) {
      if (failure instanceof CancelledError) throw failure;
      if (!maybeSent) await vault.pending.drop(access.address, entry);
      throw failure;
    }
  }

  async function giveUp(access: Access, entry: PendingKey, error: FunctionError, maybeSent: boolean): Promise<Error> {
    if (!maybeSent) {
      await vault.pending.drop(access.address, entry);
      return error;
    }
    // A session that ended says nothing of what an earlier attempt did; every other refusal says that there is no key.
    const isAnswered = !leavesOutcomeOpen(error) && error.status !== 401 && error.code !== "rate_limited";
    if (isAnswered) {
      await vault.pending.drop(access.address, entry);
      return error;
    }
    if (error.status === 401) return error;
    const goesOn = `The request for “${entry.name}” is kept and goes on in the background.`;
    return new UserError(`${error.message} ${goesOn}`, { cause: error });
  }

  return {
    create,
    rotate,
    unfinished: async (access) =>
      (await vault.pending.list(access.address, access.account.id)).filter(
        ({ discard, replaces }) => !discard && replaces === undefined,
      ),
    finish: (access, entry, signal, report, renew) =>
      once(entry, () => deliver(access, entry, { signal, report, renew, maybeSent: true })),
    discard: async (access, entry) => {
      await vault.pending.put(access.address, { ...entry, discard: true });
    },
    settle: async (access) => {
      const deliveries: Delivery[] = [];
      let leftOpen = 0;
      try {
        for (const entry of await vault.pending.list(access.address, access.account.id)) {
          if (inHand.has(entry.idempotencyKey)) continue;
          const attempt: Attempt = { signal: undefined, report: () => {}, renew: undefined, maybeSent: true };
          try {
            deliveries.push(await once(entry, () => deliver(access, entry, attempt)));
          } catch (error) {
            leftOpen += 1;
            log.warn(`The key “${entry.name}” is still to come: ${describe(error)}`);
          }
        }
      } catch (error) {
        log.error(`The keys under way cannot be read: ${describe(error)}`);
      }
      return { deliveries, leftOpen };
    },
  };
}

/** Never, or with CancelledError. */
function cancelled(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted) reject(new CancelledError());
    signal?.addEventListener("abort", () => reject(new CancelledError()), { once: true });
  });
}

/** Milliseconds until the same request is worth repeating; undefined: it is not. */
function waitBefore(error: FunctionError, round: number): number | undefined {
  if (error.code === "conflict" && !leavesOutcomeOpen(error)) return undefined;
  switch (error.code) {
    case "conflict":
    case "rate_limited":
    case "unreachable":
    case "too_slow":
    case "gateway":
    case "internal":
    case "upstream_busy":
    case "upstream_unavailable":
    case "database_unavailable":
    case "directory_unknown":
      // At least half a second whatever the function says: an answer of 0 must not become a tight loop.
      return Math.max(error.retryAfter === undefined ? 1000 * 2 ** Math.min(round, 3) : error.retryAfter * 1000, 500);
    default:
      return undefined;
  }
}

function waiting(error: FunctionError): string {
  if (error.code === "conflict") return "The key is being made. Waiting for it…";
  if (error.code === "rate_limited") return "Many keys were asked for just now. Waiting for the next turn…";
  if (error.code === "unreachable" || error.code === "too_slow") return "No answer yet. Asking again…";
  return "The function is busy. Asking again…";
}
