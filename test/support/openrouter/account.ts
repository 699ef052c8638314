import { createHash, randomBytes, randomUUID } from "node:crypto";

import type { SettableClock } from "./clock.ts";
import type { Guardrail } from "./guardrails.ts";
import type { KnobBoard } from "./knobs.ts";
import { createLedger } from "./ledger.ts";
import type { Ledger } from "./ledger.ts";
import type { ResetInterval } from "./windows.ts";
import type { Workspace } from "./workspaces.ts";

/** A key as OpenRouter keeps it. The secret is not in it, only its hash and the ends that the label shows. */
export interface KeyRecord {
  readonly hash: string;
  readonly labelEnds: { readonly head: string; readonly tail: string };
  readonly name: string;
  readonly disabledSince: Date | null;
  readonly limit: number | null;
  readonly limitReset: ResetInterval | null;
  readonly includeByokInLimit: boolean;
  readonly expiresAt: Date | null;
  readonly creatorUserId: string | null;
  readonly workspaceId: string;
  readonly externalUser: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date | null;
  readonly deletedAt: Date | null;
}

/** What whoever creates a key decides about it. */
export type KeyWishes = Pick<
  KeyRecord,
  | "name"
  | "limit"
  | "limitReset"
  | "includeByokInLimit"
  | "expiresAt"
  | "creatorUserId"
  | "workspaceId"
  | "externalUser"
>;

/** Which guardrail a key is under. */
export interface Assignment {
  readonly id: string;
  readonly guardrailId: string;
  readonly createdAt: Date;
}

/** Everything the stand-in knows. Deleted keys stay, dated, so that a late answer can still tell them. */
export interface Account {
  readonly clock: SettableClock;
  readonly knobs: KnobBoard;
  readonly ledger: Ledger;
  readonly managementKeyHash: string;
  readonly userId: string;
  readonly organizationId: string;
  readonly keys: Map<string, KeyRecord>;
  readonly workspaces: Map<string, Workspace>;
  readonly defaultWorkspaceId: string;
  readonly guardrails: Map<string, Guardrail>;
  /** By key hash: a key is under one guardrail at most. */
  readonly assignments: Map<string, Assignment>;
}

export function createAccount(parts: {
  clock: SettableClock;
  knobs: KnobBoard;
  managementKey: string;
  defaultWorkspace: Workspace;
}): Account {
  return {
    clock: parts.clock,
    knobs: parts.knobs,
    ledger: createLedger(),
    managementKeyHash: sha256(parts.managementKey),
    userId: `user_${randomBytes(14).toString("hex")}`,
    organizationId: `org_${randomBytes(14).toString("hex")}`,
    keys: new Map(),
    workspaces: new Map([[parts.defaultWorkspace.id, parts.defaultWorkspace]]),
    defaultWorkspaceId: parts.defaultWorkspace.id,
    guardrails: new Map(),
    assignments: new Map(),
  };
}

/** Makes a key: its record, and the secret that is told this once. */
export function createKey(account: Account, wishes: KeyWishes): { record: KeyRecord; secret: string } {
  const text = randomBytes(32).toString("hex");
  const secret = `sk-or-v1-${text}`;
  const record: KeyRecord = {
    ...wishes,
    hash: sha256(secret),
    labelEnds: { head: text.slice(0, 3), tail: text.slice(-4) },
    disabledSince: null,
    createdAt: account.clock.now(),
    updatedAt: null,
    deletedAt: null,
  };
  account.keys.set(record.hash, record);
  return { record, secret };
}

/** The key, unless it never was or is deleted. */
export function liveKey(account: Account, hash: string): KeyRecord | undefined {
  const key = account.keys.get(hash);
  return key?.deletedAt === null ? key : undefined;
}

/** Keys not deleted, newest first. */
export function liveKeys(account: Account): KeyRecord[] {
  return [...account.keys.values()].filter((key) => key.deletedAt === null).toReversed();
}

/** Whole lower-case hex SHA-256: over a whole key, it is the key's id at OpenRouter. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function newId(): string {
  return randomUUID();
}
