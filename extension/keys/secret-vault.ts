/**
 * Where secrets rest: one entry of the editor's secret storage per secret, named by the function's address and our
 * own ids, so that two windows never overwrite each other's and no secret is ever read for another function.
 * What cannot be parsed reads as absent.
 */
import * as z from "zod/mini";

import type { FunctionAddress } from "../account/function-address.ts";
import type { SecretStore } from "../base/secret-store.ts";

/** The private half of a recipient, as a JWK. */
export const PrivateJwk = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
  d: z.string(),
});

/** A create or a rotation that was begun: enough to repeat it to the letter and to open its answer. */
export const PendingKey = z.object({
  idempotencyKey: z.string().check(z.regex(/^[0-9a-f-]{36}$/)),
  accountId: z.string(),
  name: z.string(),
  /** The request as it was or will be sent. */
  body: z.string(),
  privateKey: PrivateJwk,
  createdAt: z.number(),
  /** The person cancelled after it may have been sent: the key is to be deleted when it is found. */
  discard: z.boolean(),
  /** The id of the key whose successor it is. */
  replaces: z.optional(z.string()),
});
export type PendingKey = z.infer<typeof PendingKey>;

/** The one key that the key helper gives to tools. */
export const ToolsKey = z.object({ keyId: z.string(), accountId: z.string() });
export type ToolsKey = z.infer<typeof ToolsKey>;

export interface SecretVault {
  readonly secrets: {
    read(address: FunctionAddress, keyId: string): Promise<string | undefined>;
    put(address: FunctionAddress, keyId: string, secret: string): Promise<void>;
    forget(address: FunctionAddress, keyId: string): Promise<void>;
  };
  readonly pending: {
    /** The creates under way of one account, oldest first. */
    list(address: FunctionAddress, accountId: string): Promise<readonly PendingKey[]>;
    read(address: FunctionAddress, entry: PendingKey): Promise<PendingKey | undefined>;
    put(address: FunctionAddress, entry: PendingKey): Promise<void>;
    drop(address: FunctionAddress, entry: PendingKey): Promise<void>;
  };
  readonly toolsKey: {
    read(address: FunctionAddress): Promise<ToolsKey | undefined>;
    put(address: FunctionAddress, toolsKey: ToolsKey): Promise<void>;
    forget(address: FunctionAddress): Promise<void>;
  };
}

/** Non-empty printable ASCII: all that is known of a secret's shape for certain. */
const Secret = z.string().check(z.regex(/^[\x21-\x7e]{1,500}$/));

export function isSecret(text: string): boolean {
  return Secret.safeParse(text).success;
}

export function createSecretVault(store: SecretStore): SecretVault {
  const part = encodeURIComponent;
  const secretName = ({ base }: FunctionAddress, keyId: string): string => `secret ${base} ${part(keyId)}`;
  const pendingPrefix = ({ base }: FunctionAddress, accountId: string): string => `pending ${base} ${part(accountId)} `;
  const pendingName = (address: FunctionAddress, entry: PendingKey): string =>
    pendingPrefix(address, entry.accountId) + entry.idempotencyKey;
  const toolsName = ({ base }: FunctionAddress): string => `tools-key ${base}`;

  async function readPending(name: string): Promise<PendingKey | undefined> {
    return parseWith(PendingKey, await store.get(name));
  }

  return {
    secrets: {
      read: async (address, keyId) => {
        const text = await store.get(secretName(address, keyId));
        return text !== undefined && isSecret(text) ? text : undefined;
      },
      put: async (address, keyId, secret) => {
        await store.store(secretName(address, keyId), secret);
      },
      forget: async (address, keyId) => {
        await store.delete(secretName(address, keyId));
      },
    },
    pending: {
      list: async (address, accountId) => {
        const prefix = pendingPrefix(address, accountId);
        const names = (await store.keys()).filter((name) => name.startsWith(prefix));
        const entries = await Promise.all(names.map(readPending));
        return entries.filter((entry) => entry !== undefined).toSorted((a, b) => a.createdAt - b.createdAt);
      },
      read: (address, entry) => readPending(pendingName(address, entry)),
      put: async (address, entry) => {
        await store.store(pendingName(address, entry), JSON.stringify(entry));
      },
      drop: async (address, entry) => {
        await store.delete(pendingName(address, entry));
      },
    },
    toolsKey: {
      read: async (address) => parseWith(ToolsKey, await store.get(toolsName(address))),
      put: async (address, toolsKey) => {
        await store.store(toolsName(address), JSON.stringify(toolsKey));
      },
      forget: async (address) => {
        await store.delete(toolsName(address));
      },
    },
  };
}

interface Parser<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

function parseWith<T>(parser: Parser<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    const parsed = parser.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
