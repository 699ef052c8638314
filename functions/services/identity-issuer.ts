import type { PersonFacts } from "../policy/admission.ts";

/** What the sign-in service says about a person. Everything in it was checked against the service's keys. */
export interface Identity extends PersonFacts {
  readonly issuer: string;
  /** Never given to anybody else; in Entra the object id, which every application there sees alike. */
  readonly subject: string;
  readonly groups: readonly string[];
  /** When the person last typed a password or the like, ms since the epoch; the time of issue where not stated. */
  readonly authTime: number;
}

export interface AuthorizationRequest {
  readonly state: string;
  readonly nonce: string;
  /** The function's own PKCE verifier. */
  readonly verifier: string;
  /** The issuer is to ask the person again when it last did so longer ago; 0 always. */
  readonly maxAgeSeconds: number;
}

export interface IssuerAnswer {
  /** What the browser brought back. */
  readonly parameters: URLSearchParams;
  readonly nonce: string;
  readonly verifier: string;
}

/**
 * The sign-in service, with the function as its confidential client. Throws IssuerError, and what the database throws
 * in which the issuer's documents are kept.
 */
export interface IdentityIssuer {
  /** Where to send the browser. */
  authorizationUrl(request: AuthorizationRequest): Promise<string>;
  /** Redeems what the issuer sent back and checks it. */
  redeem(answer: IssuerAnswer): Promise<Identity>;
}

/** Checks an access token for the function's own API. `verify` throws as IdentityIssuer does. */
export interface AccessTokenIssuer {
  /** What editors have to ask for. */
  readonly api: { readonly tenantId: string; readonly audience: string };
  verify(accessToken: string): Promise<{ readonly identity: Identity; readonly expiresAt: number }>;
}

/**
 * cancelled: the person said no. refused: the answer failed a check. unavailable: the service cannot be reached.
 * A `hint` is a sentence of ours for the person, where there is something that they can do.
 */
export class IssuerError extends Error {
  override readonly name = "IssuerError";
  readonly kind: "cancelled" | "refused" | "unavailable";
  readonly hint: string | undefined;

  constructor(kind: "cancelled" | "refused" | "unavailable", message: string, hint?: string) {
    super(message);
    this.kind = kind;
    this.hint = hint;
  }
}
