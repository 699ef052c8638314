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
