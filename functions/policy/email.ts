/**
 * The one form of an e-mail address that is stored and compared: printable ASCII, one `@`, lower case; undefined for
 * anything else. Unicode is refused rather than folded: the Kelvin sign lower-cases to `k`, full-width letters collide
 * under normalisation. Neither `+tag` nor dots are stripped: in a workspace `a.b@` is another person than `ab@`.
 */
export function normaliseEmail(email: string): string | undefined {
  if (email.length > 254 || !/^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(email)) {
    return undefined;
  }
  if (/[,;<>"\\()[\]]/.test(email)) return undefined;
  return email.toLowerCase();
}

/** Whether a signed-in person belongs to the company, from what the issuer vouches for. */
export interface Membership {
  readonly issuer: string;
  readonly emailVerified: boolean;
  /** Already normalised. */
  readonly email: string;
  /** Google's `hd` claim: the Workspace domain that owns the account; absent for a consumer account. */
  readonly hostedDomain: string | undefined;
}

/**
 * True when the account belongs to an allowed domain. Where the issuer states a hosted domain that one counts and the
 * address does not: anybody can open a consumer account on a company's address. Google always states it.
 */
export function belongsToCompany(allowedDomains: readonly string[], member: Membership): boolean {
  if (!member.emailVerified) return false;
  const isGoogle = member.issuer === "https://accounts.google.com" || member.issuer === "accounts.google.com";
  if (isGoogle || member.hostedDomain !== undefined) {
    return member.hostedDomain !== undefined && allowedDomains.includes(member.hostedDomain.toLowerCase());
  }
  return allowedDomains.includes(member.email.slice(member.email.lastIndexOf("@") + 1));
}
