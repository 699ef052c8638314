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

/** People, their sign-ins and their sessions. Only hashes of codes and tokens are kept. Times in ms since the epoch. */
export interface AccountStore {
  saveAttempt(attempt: SignInAttempt): Promise<void>;
  /** Returns the attempt and deletes it: each is good for one answer of the issuer. */
  takeAttempt(stateHash: string, now: number): Promise<SignInAttempt | undefined>;
  /** The owner of (issuer, subject), made or brought up to date; "conflict" when the e-mail is another person's. */
  admit(person: VerifiedPerson, ownerId: string, now: number): Promise<Owner | "conflict">;
  findOwner(ownerId: string): Promise<Owner | undefined>;
  saveCode(code: SignInCode): Promise<void>;
  /** Returns the code and deletes it, whoever asks: a wrong verifier burns it for the right one too. */
  takeCode(codeHash: string, now: number): Promise<SignInCode | undefined>;
  saveSession(session: NewSession): Promise<Owner | undefined>;
  findSession(tokenHash: string, now: number): Promise<LiveSession | undefined>;
  touchSession(tokenHash: string, now: number, idleUntil: number): Promise<void>;
  endSession(tokenHash: string): Promise<void>;
}
