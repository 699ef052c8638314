import { isGuid } from "../../policy/issuer-kind.ts";
import { IssuerError } from "../../services/identity-issuer.ts";

interface EntraClaims {
  readonly tid?: string | undefined;
  readonly oid?: string | undefined;
  readonly acct?: number | string | undefined;
  readonly idp?: string | undefined;
  readonly xms_edov?: boolean | number | string | undefined;
}

/** The account is of the one tenant. Throws IssuerError "refused". */
export function requireTenant(claims: EntraClaims, tenantId: string): void {
  if (claims.tid !== tenantId) throw new IssuerError("refused", "The token is of another tenant.");
}

/**
 * Who the account is, in every application of the tenant alike; `sub` differs from one to the next. Never e-mail, UPN or
 * `preferred_username`: those are what an administrator, and sometimes the person, writes.
 */
export function readObjectId(claims: EntraClaims): string {
  if (claims.oid === undefined || !isGuid(claims.oid)) {
    throw new IssuerError("refused", "The token does not say whose it is (oid).");
  }
  return claims.oid;
}

/** An account of elsewhere: said outright, or by having been signed in elsewhere. */
export function isGuest(claims: EntraClaims, issuer: string, tenantId: string): boolean {
  if (claims.acct !== undefined && String(claims.acct) !== "0") return true;
  return claims.idp !== undefined && claims.idp !== issuer && claims.idp !== `https://sts.windows.net/${tenantId}/`;
}

/** Undefined where the token does not say. Without the owner's own verification the e-mail is anybody's text. */
export function isEmailVerified({ xms_edov: verified }: EntraClaims): boolean | undefined {
  return verified === undefined ? undefined : ["true", "1"].includes(String(verified).toLowerCase());
}

/** Text only; a tenant with many groups leaves the claim out, and then nobody is in any. */
export function readGroups(groups: unknown): readonly string[] {
  return Array.isArray(groups) ? groups.filter((group) => typeof group === "string") : [];
}
