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

/**
 * What an owner is called whose address now belongs to somebody else. It says whose it was and can never be an address:
 * no sign-in brings it, and no plan or list of administrators names it.
 */
export function labelWithoutAddress(email: string, ownerId: string): string {
  return `formerly ${email} (${ownerId.slice(0, 8)})`;
}
