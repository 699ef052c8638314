import { MeAnswer } from "../../functions/contract/account.ts";
import { CreateKeyAnswer, idempotencyHeader, Key, KeysAnswer, RotateKeyAnswer } from "../../functions/contract/keys.ts";
import type { PatchKeyRequest } from "../../functions/contract/requests.ts";
import { paths } from "../../functions/contract/paths.ts";
import type { Access } from "../account/access-token.ts";
import type { AnswerSchema } from "../account/function-client.ts";
import type { OwnClientDeps } from "../account/own-client.ts";
import { createOwnClient } from "../account/own-client.ts";

/** The function as seen from here. Every method throws FunctionError, and CancelledError when its signal is aborted. */
export interface KeyService {
  me(access: Access, signal?: AbortSignal): Promise<MeAnswer>;
  list(access: Access, signal?: AbortSignal): Promise<KeysAnswer>;
  /** `body` is a serialised CreateKeyRequest. Repeating both ends with the one key, whatever was lost before. */
  create(access: Access, idempotencyKey: string, body: string, signal?: AbortSignal): Promise<CreateKeyAnswer>;
  /** The same for the successor of a key; `body` is a serialised RotateKeyRequest. */
  rotate(
    access: Access,
    keyId: string,
    idempotencyKey: string,
    body: string,
    signal?: AbortSignal,
  ): Promise<RotateKeyAnswer>;
  /** The secret is stored here: the function may erase its sealed copy. */
  received(access: Access, keyId: string): Promise<void>;
  patch(access: Access, keyId: string, patch: PatchKeyRequest): Promise<Key>;
  delete(access: Access, keyId: string): Promise<void>;
}

/** Longer than the function waits for OpenRouter, so that its own answer is heard. */
const createTimeout = 40_000;

export function createKeyService(deps: OwnClientDeps): KeyService {
  const own = createOwnClient(deps);

  function make<T>(
    access: Access,
    path: string,
    answer: AnswerSchema<T>,
    { idempotencyKey, body, signal }: { idempotencyKey: string; body: string; signal: AbortSignal | undefined },
  ): Promise<T> {
    const headers = { [idempotencyHeader]: idempotencyKey };
    return own.ask(access, { method: "POST", path, headers, body, signal, timeout: createTimeout }, answer);
  }

  return {
    me: (access, signal) => own.ask(access, { method: "GET", path: paths.me, signal }, MeAnswer),

    list: (access, signal) => own.ask(access, { method: "GET", path: paths.keys, signal }, KeysAnswer),

    create: (access, idempotencyKey, body, signal) =>
      make(access, paths.keys, CreateKeyAnswer, { idempotencyKey, body, signal }),

    rotate: (access, keyId, idempotencyKey, body, signal) =>
      make(access, paths.keyRotate(keyId), RotateKeyAnswer, { idempotencyKey, body, signal }),

    received: (access, keyId) => own.tell(access, { method: "POST", path: paths.keyReceived(keyId) }),

    patch: (access, keyId, patch) =>
      own.ask(access, { method: "PATCH", path: paths.key(keyId), body: JSON.stringify(patch) }, Key),

    delete: (access, keyId) => own.tell(access, { method: "DELETE", path: paths.key(keyId) }),
  };
}
