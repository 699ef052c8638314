import { normaliseEmail } from "./email.ts";
import type { IssuerKind } from "./issuer-kind.ts";

/** What the sign-in service vouches for about a person, as far as it decides who is of the company. */
export interface PersonFacts {
  readonly provider: IssuerKind | "github";
  /** As the service wrote it. */
  readonly email: string | undefined;
  /** Undefined where the service does not say. */
  readonly emailVerified: boolean | undefined;
  /** Google's `hd`: the Workspace domain that owns the account; absent for a consumer account. */
  readonly hostedDomain: string | undefined;
  /** An account of elsewhere that was invited into the company's tenant. */
  readonly isGuest: boolean;
}

export interface AdmissionRules {
  readonly allowedDomains: readonly string[];
  /** False takes the allow-list of domains for proof where the service does not say whether an e-mail is verified. */
  readonly requireEmailVerified: boolean;
  readonly allowGuests: boolean;
}

export type Admission =
  | { readonly kind: "admitted"; readonly email: string }
  | {
      readonly kind: "refused";
      readonly why: "no-email" | "guest" | "unverified" | "elsewhere";
      readonly email: string;
    };

/**
 * Whether the person is of the company. Where the service states a hosted domain that one counts and the address does
 * not: anybody can open a consumer account on a company's address. Google states it for every Workspace account.
 */
export function judgePerson(facts: PersonFacts, rules: AdmissionRules): Admission {
  const email = normaliseEmail(facts.email ?? "");
  if (email === undefined) return { kind: "refused", why: "no-email", email: "" };
  if (facts.isGuest && !rules.allowGuests) return { kind: "refused", why: "guest", email };
  if (!isVouchedFor(facts, rules)) return { kind: "refused", why: "unverified", email };
  const domain =
    facts.provider === "google" || facts.hostedDomain !== undefined
      ? facts.hostedDomain?.toLowerCase()
      : email.slice(email.lastIndexOf("@") + 1);
  return domain !== undefined && rules.allowedDomains.includes(domain)
    ? { kind: "admitted", email }
    : { kind: "refused", why: "elsewhere", email };
}

/**
 * "Not verified" is never enough. Silence may be, where the company says so: Okta leaves the claim out for people of
 * another directory. From Google silence is odd, and in Entra any administrator writes any e-mail, so there it never is.
 */
function isVouchedFor(facts: PersonFacts, rules: AdmissionRules): boolean {
  if (facts.emailVerified !== undefined) return facts.emailVerified;
  return !rules.requireEmailVerified && (facts.provider === "okta" || facts.provider === "other");
}
