/** What the sign-in issuer says about a person. Everything in it was checked against the issuer's keys. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly hostedDomain: string | undefined;
  readonly groups: readonly string[];
  /** When the person last typed a password or the like, ms since the epoch; the time of issue where not stated. */
  readonly authTime: number;
}

/** The sign-in issuer, with the function as its confidential client. Both methods throw IssuerError and nothing else. */
export interface IdentityIssuer {
  /** Where to send the browser. `verifier` is the function's own PKCE verifier. */
  authorizationUrl(request: { state: string; nonce: string; verifier: string }): Promise<string>;
  /** Redeems what the issuer sent back and checks it. */
  redeem(answer: { parameters: URLSearchParams; state: string; nonce: string; verifier: string }): Promise<Identity>;
}

/** cancelled: the person said no. refused: the answer failed a check. unavailable: the issuer cannot be reached. */
export class IssuerError extends Error {
  override readonly name = "IssuerError";
  readonly kind: "cancelled" | "refused" | "unavailable";

  constructor(kind: "cancelled" | "refused" | "unavailable", message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}
