import type { Recipient } from "../contract/keys.ts";
import type { AdmissionRules } from "../policy/admission.ts";
import type { Plan } from "../policy/plan.ts";
import type { RedirectRules } from "../policy/redirects.ts";
import type { AccountStore } from "./account-store.ts";
import type { AuditStore } from "./audit.ts";
import type { DirectorySource } from "./directory.ts";
import type { DirectoryStore } from "./directory-store.ts";
import type { DriftStore } from "./drift-store.ts";
import type { AccessTokenIssuer, IdentityIssuer } from "./identity-issuer.ts";
import type { IdentityStore } from "./identity-store.ts";
import type { KeyStore } from "./key-store.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { NightlyStore } from "./nightly-store.ts";
import type { Provisioner } from "./provisioner.ts";
import type { RaiseStore } from "./raise-store.ts";
import type { RateStore } from "./rate-store.ts";
import type { RevocationStore } from "./revocation-store.ts";
import type { NightlyRules } from "./run-nightly.ts";
import type { ScimStore } from "./scim-store.ts";

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** Seals a secret to the key of whoever asked for it: a compact JWE, ECDH-ES with A256GCM. */
export type Seal = (secret: string) => string;

/** What can go wrong with a recipient goes wrong here, before there is a secret. Undefined: it is no point of P-256. */
export type PrepareSeal = (recipient: Recipient) => Promise<Seal | undefined>;

/** What the company has decided, from the settings. */
export interface Rules extends AdmissionRules {
  readonly plans: readonly Plan[];
  readonly adminEmails: readonly string[];
  /** A group of the issuer whose members are administrators, beside `adminEmails`. */
  readonly adminGroup: string | undefined;
  readonly redirects: RedirectRules;
}

/** Everything the verbs work with. */
export interface Deps {
  readonly keys: KeyStore;
  readonly accounts: AccountStore;
  readonly raises: RaiseStore;
  readonly audit: AuditStore;
  readonly rates: RateStore;
  readonly leases: LeaseStore;
  readonly identities: IdentityStore;
  readonly directoryStore: DirectoryStore;
  readonly nightly: NightlyStore;
  readonly revocations: RevocationStore;
  readonly drift: DriftStore;
  readonly scim: ScimStore;
  /** Whoever is asked who still works here; empty where none is set up. */
  readonly directory: readonly DirectorySource[];
  readonly nightlyRules: NightlyRules;
  /** Tells whoever watches that a run went well; absent where nobody does. */
  readonly beat: (() => Promise<void>) | undefined;
  readonly provisioner: Provisioner;
  readonly issuer: IdentityIssuer;
  /** Absent where signing in with an access token is not set up. */
  readonly accessTokens: AccessTokenIssuer | undefined;
  readonly prepareSeal: PrepareSeal;
  readonly clock: Clock;
  /** Resolves after so many milliseconds, or rejects when the signal aborts. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Has the host keep running until the work is done, also after the answer has gone out. Its failure is only logged. */
  readonly afterAnswer: (work: Promise<unknown>) => void;
  readonly rules: Rules;
  /** Throws when the database does not answer. */
  readonly pingDatabase: () => Promise<void>;
}
