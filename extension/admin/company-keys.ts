import { AdminKeysAnswer, AuditAnswer } from "../../functions/contract/admin.ts";
import { Key, type KeyState } from "../../functions/contract/keys.ts";
import { paths } from "../../functions/contract/paths.ts";
import type { PatchKeyRequest } from "../../functions/contract/requests.ts";
import type { Access } from "../account/access-token.ts";
import type { OwnClientDeps } from "../account/own-client.ts";
import { createOwnClient } from "../account/own-client.ts";

/** Which of the company's keys are meant: all without it. */
export interface KeyFilter {
  /** Part of an owner's e-mail or of a key's name. */
  readonly q?: string | undefined;
  readonly state?: KeyState | undefined;
}

/** Every key that the function has made, and the record of what was done. Every method throws FunctionError. */
export interface CompanyKeys {
  list(access: Access, filter: KeyFilter, cursor: string | undefined): Promise<AdminKeysAnswer>;
  patch(access: Access, keyId: string, patch: PatchKeyRequest): Promise<Key>;
  delete(access: Access, keyId: string): Promise<void>;
  /** Newest first. */
  record(access: Access, cursor: string | undefined): Promise<AuditAnswer>;
}

const keysPage = 200;
const recordPage = 50;

export function createCompanyKeys(deps: OwnClientDeps): CompanyKeys {
  const own = createOwnClient(deps);
  return {
    list: (access, filter, cursor) => {
      const path = `${paths.adminKeys}?${queryOf({ ...filter, cursor, limit: String(keysPage) })}`;
      return own.ask(access, { method: "GET", path }, AdminKeysAnswer);
    },
    patch: (access, keyId, patch) =>
      own.ask(access, { method: "PATCH", path: paths.adminKey(keyId), body: JSON.stringify(patch) }, Key),
    delete: (access, keyId) => own.tell(access, { method: "DELETE", path: paths.adminKey(keyId) }),
    record: (access, cursor) => {
      const path = `${paths.adminAudit}?${queryOf({ cursor, limit: String(recordPage) })}`;
      return own.ask(access, { method: "GET", path }, AuditAnswer);
    },
  };
}

export function queryOf(facts: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(facts)) if (value !== undefined) query.set(name, value);
  return query.toString();
}
