/**
 * From what a directory answered to whether a person still works here. Promises: a person is inactive only on positive
 * evidence about exactly that account, and active only when the directory says so about exactly that account; every
 * other answer, however it fails, is unknown, which neither revokes nor grants. An answer that only says "no such
 * account" is marked as absence: it counts only in a run whose canary holds, and the rails want it twice.
 */
export type Finding =
  | { readonly state: "active" }
  | {
      readonly state: "inactive";
      /** A sentence for administrators and the record. */
      readonly evidence: string;
      /** The account was not found, and nothing says what became of it: two strikes are needed. */
      readonly isAbsence: boolean;
    }
  | {
      readonly state: "unknown";
      /** A sentence without a secret. */
      readonly reason: string;
      /** Something that does not go away by waiting: an administrator should look. */
      readonly isAlarming: boolean;
    };

/** What came back for one question. `body` is the parsed JSON, undefined when it was none. */
export type DirectoryReply =
  | { readonly kind: "answered"; readonly status: number; readonly body: unknown }
  | { readonly kind: "failed"; readonly reason: string; readonly isAlarming?: boolean };

export function unknown(reason: string, isAlarming = false): Finding {
  return { state: "unknown", reason, isAlarming };
}

function inactive(evidence: string, isAbsence = false): Finding {
  return { state: "inactive", evidence, isAbsence };
}

const otherAccount = "The directory answered about another account than the one that was asked for.";
const noCanary = "The account was not found, but the canary was not seen active in this run, so that proves nothing.";

/** `users.get` by immutable id. `canaryHolds`: the run's known-active person was seen active. */
export function readGoogleUser(reply: DirectoryReply, subject: string, canaryHolds: boolean): Finding {
  if (reply.kind === "failed") return unknown(reply.reason, reply.isAlarming);
  const { status, body } = reply;
  if (status === 404) {
    // A missing domain, a wrong path and a proxy's page are 404 as well; only this one is about the person.
    if (!isGoogleNoSuchUser(body)) return unknown(`Google answered 404, but not about the person${code(body)}.`);
    return canaryHolds ? inactive("Google has no account with this id.", true) : unknown(noCanary);
  }
  if (status !== 200) return unknown(`Google answered ${status}${code(body)}.`);
  if (!isObject(body)) return unknown("Google answered with something other than JSON.");
  if (at(body, "id") !== subject) return unknown(otherAccount, true);
  return readGoogleFlags(body);
}

/**
 * `users.get` by e-mail, for a person whose id in the directory is not known. An address is lent: it may have been
 * given to somebody else, so that only "active" follows from it, with the id to ask for from then on.
 */
export function readGoogleUserByEmail(
  reply: DirectoryReply,
  email: string,
): { readonly finding: Finding; readonly id: string | undefined } {
  const weak = { finding: unknown("The person's id in the directory is not known, and an address proves nothing.") };
  if (reply.kind === "failed") return { finding: unknown(reply.reason, reply.isAlarming), id: undefined };
  const { status, body } = reply;
  if (status !== 200) return { finding: unknown(`Google answered ${status}${code(body)}.`), id: undefined };
  const id = at(body, "id");
  if (typeof id !== "string" || id === "") return { ...weak, id: undefined };
  const addresses = [at(body, "primaryEmail"), ...items(at(body, "aliases")), ...items(at(body, "nonEditableAliases"))];
  if (!addresses.some((address) => typeof address === "string" && address.toLowerCase() === email)) {
    return { finding: unknown(otherAccount, true), id: undefined };
  }
  return readGoogleFlags(body).state === "active" ? { finding: { state: "active" }, id } : { ...weak, id: undefined };
}

function readGoogleFlags(user: unknown): Finding {
  const suspended = at(user, "suspended");
  const archived = at(user, "archived");
  if (!isFlag(suspended) || !isFlag(archived)) return unknown("Google's answer has a flag that is not true or false.");
  if (suspended === true) return inactive("Google says that the account is suspended.");
  if (archived === true) return inactive("Google says that the account is archived.");
  if (suspended === undefined) return unknown("Google's answer does not say whether the account is suspended.");
  return { state: "active" };
}

function isGoogleNoSuchUser(body: unknown): boolean {
  const errors = items(at(body, "error", "errors"));
  const messages = [at(body, "error", "message"), ...errors.map((error) => at(error, "message"))];
  return (
    errors.some((error) => at(error, "reason") === "notFound") &&
    messages.some((message) => typeof message === "string" && /\buserKey\b/.test(message))
  );
}

/** A row of `users.list` with `showDeleted`: positive evidence that the account was deleted, and no guess. */
export function isGoogleDeleted(row: unknown, subject: string): boolean {
  const deletionTime = at(row, "deletionTime");
  return at(row, "id") === subject && typeof deletionTime === "string" && /^\d{4}-\d{2}-\d{2}T/.test(deletionTime);
}

/** Whether a row of Google's list gives no reason to ask about the person. A prefilter, never evidence. */
export function looksActiveAtGoogle(row: unknown): boolean {
  return at(row, "deletionTime") === undefined && readGoogleFlags(row).state === "active";
}

/** `GET /users/{id}?$select=id,accountEnabled`, alone or as one answer of a batch; also one row of a delta. */
export function readGraphUser(reply: DirectoryReply, subject: string, canaryHolds: boolean): Finding {
  if (reply.kind === "failed") return unknown(reply.reason, reply.isAlarming);
  const { status, body } = reply;
  if (status === 404) {
    if (at(body, "error", "code") !== "Request_ResourceNotFound") {
      return unknown(`Microsoft Graph answered 404, but not about the person${code(body)}.`);
    }
    return canaryHolds ? inactive("Microsoft Entra has no account with this id.", true) : unknown(noCanary);
  }
  if (status !== 200) return unknown(`Microsoft Graph answered ${status}${code(body)}.`);
  if (!isObject(body)) return unknown("Microsoft Graph answered with something other than JSON.");
  const id = at(body, "id");
  // Ids are GUIDs, which are written in either case.
  if (typeof id !== "string" || id.toLowerCase() !== subject.toLowerCase()) return unknown(otherAccount, true);
  const enabled = at(body, "accountEnabled");
  const removed = at(body, "@removed");
  if (removed !== undefined) {
    const reason = at(removed, "reason");
    return enabled === undefined && (reason === "changed" || reason === "deleted")
      ? inactive("Microsoft Entra says that the account was deleted.")
      : unknown("Microsoft Graph's answer about a deletion makes no sense.");
  }
  if (enabled === true) return { state: "active" };
  if (enabled === false) return inactive("Microsoft Entra says that the account is disabled.");
  return unknown("Microsoft Graph's answer does not say whether the account is enabled.");
}

/** `GET /users/{address}`, for a person whose object id is not known; see `readGoogleUserByEmail`. */
export function readGraphUserByEmail(
  reply: DirectoryReply,
  email: string,
): { readonly finding: Finding; readonly id: string | undefined } {
  if (reply.kind === "failed") return { finding: unknown(reply.reason, reply.isAlarming), id: undefined };
  const { status, body } = reply;
  if (status !== 200) return { finding: unknown(`Microsoft Graph answered ${status}${code(body)}.`), id: undefined };
  const id = at(body, "id");
  const addresses = [at(body, "userPrincipalName"), at(body, "mail")];
  if (typeof id !== "string" || !addresses.some((each) => typeof each === "string" && each.toLowerCase() === email)) {
    return { finding: unknown(otherAccount, true), id: undefined };
  }
  return readGraphUser(reply, id, false).state === "active"
    ? { finding: { state: "active" }, id }
    : {
        finding: unknown("The person's id in the directory is not known, and an address proves nothing."),
        id: undefined,
      };
}

/** `GET /directory/deletedItems/{id}`: turns "not found" into "deleted". */
export function isGraphDeleted(reply: DirectoryReply, subject: string): boolean {
  if (reply.kind === "failed" || reply.status !== 200) return false;
  const id = at(reply.body, "id");
  return typeof id === "string" && id.toLowerCase() === subject.toLowerCase();
}

/** Whether a row of Graph's list or delta gives no reason to ask about the person. A prefilter, never evidence. */
export function looksActiveAtGraph(row: unknown): boolean {
  return at(row, "@removed") === undefined && at(row, "accountEnabled") === true;
}

/** What the identity provider pushed last. `active` is undefined when it took the attribute away or never sent it. */
export function readScimUser(user: { readonly active: boolean | undefined } | undefined): Finding {
  if (user === undefined) return unknown("Nobody with this id or address was ever provisioned over SCIM.");
  if (user.active === undefined) return unknown("The account provisioned over SCIM does not say whether it is active.");
  return user.active ? { state: "active" } : inactive("The identity provider deactivated the account over SCIM.");
}

export interface SourceFinding {
  /** The source's name, as people know it. */
  readonly source: string;
  readonly finding: Finding;
  /** False for an "active" that was read off a list, which may lag. */
  readonly isProven: boolean;
}

/** The sources to ask outright before their findings are combined: a list that lags must not pass for a contradiction. */
export function sourcesToAsk(findings: readonly SourceFinding[]): readonly string[] {
  return findings.some(({ finding }) => finding.state === "inactive")
    ? findings.flatMap(({ source, finding, isProven }) => (finding.state === "active" && !isProven ? [source] : []))
    : [];
}

/**
 * One state from all sources. A source that knows nothing abstains: it contradicts nobody, or a provider that pushes
 * only half of the company over SCIM would shield the other half. Two that contradict each other make it unknown.
 */
export function combineFindings(findings: readonly SourceFinding[]): Finding {
  const saysActive = findings.filter(({ finding }) => finding.state === "active");
  const saysInactive = findings.flatMap(({ source, finding }) =>
    finding.state === "inactive" ? [{ source, finding }] : [],
  );
  const [firstActive] = saysActive;
  const [firstInactive] = saysInactive;
  if (firstActive !== undefined && firstInactive !== undefined) {
    return unknown(
      `The directories disagree: ${firstActive.source} says active, ${firstInactive.source} says inactive.`,
      true,
    );
  }
  if (firstActive !== undefined) return { state: "active" };
  if (firstInactive !== undefined) {
    // What is told outright weighs more than what is missing.
    return (saysInactive.find(({ finding }) => !finding.isAbsence) ?? firstInactive).finding;
  }
  const doubts = findings.flatMap(({ finding }) => (finding.state === "unknown" ? [finding] : []));
  return doubts.length === 0
    ? unknown("No directory was asked.")
    : unknown(
        doubts.map(({ reason }) => reason).join(" "),
        doubts.some(({ isAlarming }) => isAlarming),
      );
}

/** The provider's own word for an error, for people who look into it; only what is surely no more than a word. */
function code(body: unknown): string {
  const [first] = items(at(body, "error", "errors"));
  const word = at(first, "reason") ?? at(body, "error", "code") ?? at(body, "error");
  return typeof word === "string" && /^[A-Za-z_]{1,60}$/.test(word) ? ` (${word})` : "";
}

function isFlag(value: unknown): value is boolean | undefined {
  return value === undefined || typeof value === "boolean";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The own property at a path, or undefined. */
function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (!isObject(found)) return undefined;
    found = Object.getOwnPropertyDescriptor(found, name)?.value;
  }
  return found;
}
