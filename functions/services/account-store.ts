/** A verified person: issuer and subject. The e-mail is a label, unique and normalised. */
export interface Owner {
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string;
  readonly groups: readonly string[];
  readonly blocked: boolean;
}

/** What the issuer vouched for. */
export interface VerifiedPerson {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string;
  readonly groups: readonly string[];
}

/** A sign-in that a browser has begun. Secrets in it are stored as SHA-256, but for what the issuer must be sent. */
export interface SignInAttempt {
  readonly stateHash: string;
  /** S256 of the editor's verifier. */
  readonly codeChallenge: string;
  readonly redirectUri: string;
  readonly clientState: string;
  readonly nonce: string;
  /** The function's own PKCE verifier towards the issuer. */
  readonly issuerVerifier: string;
  /** Hash of the cookie that ties the attempt to one browser. */
  readonly browserHash: string;
  /** The person must have proved who they are since then; undefined where that does not matter. */
  readonly freshSince: number | undefined;
  readonly expiresAt: number;
}

export interface SignInCode {
  readonly codeHash: string;
  readonly ownerId: string;
  readonly codeChallenge: string;
  readonly authTime: number;
  readonly expiresAt: number;
}

export interface NewSession {
  /** What the owner calls it by; the hash of its token stays inside. */
  readonly id: string;
  readonly tokenHash: string;
  readonly ownerId: string;
  readonly authTime: number;
  readonly now: number;
  readonly idleUntil: number;
  readonly expiresAt: number;
  readonly client: string;
  /** The owner's oldest sessions beyond this many end. */
  readonly most: number;
}

export interface LiveSession {
  readonly owner: Owner;
  readonly authTime: number;
  readonly lastUsedAt: number;
}

export interface SessionRow {
  readonly id: string;
  readonly tokenHash: string;
  readonly client: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly expiresAt: number;
}

/** `ownerId`: whose e-mail the person came with. */
export type AdmitOutcome =
  | { readonly kind: "owner"; readonly owner: Owner }
  | { readonly kind: "conflict"; readonly ownerId: string };

/** People, their sign-ins and their sessions. Only hashes of codes and tokens are kept. Times in ms since the epoch. */
export interface AccountStore {
  saveAttempt(attempt: SignInAttempt): Promise<void>;
  /** Returns the attempt and deletes it: each is good for one answer of the issuer. */
  takeAttempt(stateHash: string, now: number): Promise<SignInAttempt | undefined>;
  findOwner(ownerId: string): Promise<Owner | undefined>;
  /** The owner of (issuer, subject), made or brought up to date; a conflict when the e-mail is another owner's. */
  admit(person: VerifiedPerson, ownerId: string, now: number): Promise<AdmitOutcome>;
  saveCode(code: SignInCode): Promise<void>;
  /** Returns the code and deletes it, whoever asks: a wrong verifier burns it for the right one too. */
  takeCode(codeHash: string, now: number): Promise<SignInCode | undefined>;
  /** Undefined: the owner has left. */
  saveSession(session: NewSession): Promise<Owner | undefined>;
  findSession(tokenHash: string, now: number): Promise<LiveSession | undefined>;
  touchSession(tokenHash: string, now: number, idleUntil: number): Promise<void>;
  endSession(tokenHash: string): Promise<void>;
  /** Those that are still good, the latest first. */
  listSessions(ownerId: string, now: number): Promise<readonly SessionRow[]>;
  /** False when the owner has no such session. */
  endOwnSession(ownerId: string, id: string): Promise<boolean>;
  /** True for the first who uses this token of another service; remembered until it expires. */
  useToken(hash: string, expiresAt: number, now: number): Promise<boolean>;
}
