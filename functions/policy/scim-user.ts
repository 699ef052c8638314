import { readFilter } from "./scim-filter.ts";

/**
 * A person as identity providers push them (SCIM 2.0, RFC 7643 and 7644), in the dialects of Okta and Entra. Promises:
 * `active` is read from true, false and these two as text in any case, and from nothing else; whatever else is sent
 * for it is refused, because a leaver whose "False" was read as a truthy text would stay active.
 */
export interface ScimUser {
  readonly userName: string;
  readonly externalId: string | undefined;
  /** Undefined when the provider never sent it or took it away. */
  readonly active: boolean | undefined;
  readonly displayName: string | undefined;
  readonly givenName: string | undefined;
  readonly familyName: string | undefined;
  readonly emails: readonly ScimEmail[];
}

/** What the person is known by, in lower case: the user name and every e-mail, each once. */
export function addressesOf({ userName, emails }: ScimUser): readonly string[] {
  return [...new Set([userName, ...emails.map(({ value }) => value)].map((address) => address.toLowerCase()))];
}

export interface ScimEmail {
  readonly value: string;
  readonly type: string | undefined;
  readonly primary: boolean;
}

/** Why a request is refused; `scimType` is from RFC 7644's table 9. */
export class ScimFault extends Error {
  override readonly name = "ScimFault";
  readonly scimType: "invalidFilter" | "invalidPath" | "invalidSyntax" | "invalidValue" | "noTarget" | "uniqueness";

  constructor(scimType: ScimFault["scimType"], sentence: string) {
    super(sentence);
    this.scimType = scimType;
  }
}

export const userSchema = "urn:ietf:params:scim:schemas:core:2.0:User";
export const patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

const mostOperations = 100;
const mostEmails = 20;
const longest = 256;

const nobody: ScimUser = {
  userName: "",
  externalId: undefined,
  active: undefined,
  displayName: undefined,
  givenName: undefined,
  familyName: undefined,
  emails: [],
};

/** The body of a POST, or of a PUT over `before`. Throws ScimFault. */
export function readUser(body: unknown, before?: ScimUser): ScimUser {
  const fields = readFields(body);
  requireSchema(fields, userSchema);
  // A PUT replaces everything, but for `active`: one that leaves it out neither brings back nor ends anybody.
  let user: ScimUser = { ...nobody, active: before?.active };
  for (const [name, value] of fields) user = setAttribute(user, name, value, "replace");
  if (user.userName === "") throw new ScimFault("invalidValue", "userName is missing.");
  return user;
}

/** A PATCH: all of its operations, in order, or none. Throws ScimFault. */
export function applyPatch(before: ScimUser, body: unknown): ScimUser {
  const fields = readFields(body);
  requireSchema(fields, patchSchema);
  const operations = fields.get("operations");
  if (!Array.isArray(operations) || operations.length === 0 || operations.length > mostOperations) {
    throw new ScimFault("invalidSyntax", `Operations must be a list of 1 to ${mostOperations} operations.`);
  }
  let user = before;
  for (const operation of operations) user = applyOperation(user, operation);
  if (user.userName === "") throw new ScimFault("invalidValue", "userName cannot be taken away.");
  return user;
}

type Operation = "add" | "replace" | "remove";

function applyOperation(user: ScimUser, operation: unknown): ScimUser {
  const fields = readFields(operation);
  const op = readOp(fields.get("op"));
  const path = fields.get("path");
  const value = fields.get("value");
  if (path === undefined || path === null || path === "") {
    if (op === "remove") throw new ScimFault("noTarget", "An operation that removes needs a path.");
    let changed = user;
    for (const [name, each] of readFields(value)) changed = setAttribute(changed, name, each, op);
    return changed;
  }
  if (typeof path !== "string" || path.length > 500) throw new ScimFault("invalidPath", "The path is not a text.");
  return setAttribute(user, path, value, op);
}

/** Entra sends `Replace`, Okta `replace`. */
function readOp(op: unknown): Operation {
  const word = typeof op === "string" ? op.toLowerCase() : "";
  if (word === "add" || word === "replace" || word === "remove") return word;
  throw new ScimFault("invalidSyntax", "op must be add, replace or remove.");
}

function setAttribute(user: ScimUser, path: string, value: unknown, op: Operation): ScimUser {
  const { attribute, filter, part } = readPath(path);
  const name = part === undefined ? attribute : `${attribute}.${part}`;
  if (attribute === "emails") return { ...user, emails: setEmails(user.emails, filter, part, value, op) };
  if (filter !== undefined) {
    // phoneNumbers, addresses and the like: not kept here.
    return user;
  }
  const text = (): string | undefined => (op === "remove" ? undefined : readText(name, value));
  switch (name) {
    case "active":
      return { ...user, active: op === "remove" ? undefined : readActive(value) };
    case "username": {
      const userName = text();
      if (userName === undefined) throw new ScimFault("invalidValue", "userName cannot be taken away.");
      return { ...user, userName };
    }
    case "externalid":
      return { ...user, externalId: text() };
    case "displayname":
      return { ...user, displayName: text() };
    case "name.givenname":
      return { ...user, givenName: text() };
    case "name.familyname":
      return { ...user, familyName: text() };
    case "name": {
      if (op === "remove" || value === null) return { ...user, givenName: undefined, familyName: undefined };
      let named = user;
      for (const [each, inner] of readFields(value)) named = setAttribute(named, `name.${each}`, inner, op);
      return named;
    }
    default:
      // Providers push dozens of attributes that are of no use here.
      return user;
  }
}

function readActive(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : undefined;
  if (word === "true" || word === "false") return word === "true";
  throw new ScimFault("invalidValue", "active must be true or false.");
}

/** Null and "" are how providers say that there is none. */
function readText(name: string, value: unknown): string | undefined {
  if (value === null || value === "") return undefined;
  if (typeof value !== "string" || value.length > longest) {
    throw new ScimFault("invalidValue", `${name} must be a text of at most ${longest} characters.`);
  }
  return value;
}

function setEmails(
  emails: readonly ScimEmail[],
  filter: EmailFilter | undefined,
  part: string | undefined,
  value: unknown,
  op: Operation,
): readonly ScimEmail[] {
  const changed = changeEmails(emails, filter, part, value, op);
  if (changed.length > mostEmails) throw new ScimFault("invalidValue", `At most ${mostEmails} emails are kept.`);
  return changed;
}

function changeEmails(
  emails: readonly ScimEmail[],
  filter: EmailFilter | undefined,
  part: string | undefined,
  value: unknown,
  op: Operation,
): readonly ScimEmail[] {
  const isMeant = (email: ScimEmail): boolean => filter === undefined || filter.matches(email);
  if (op === "remove") {
    if (part !== undefined && part !== "value") return emails;
    // Entra names what to take away in the value instead of the path.
    const named = filter === undefined && Array.isArray(value) ? value.map(readEmail) : undefined;
    return emails.filter(
      (email) => !isMeant(email) || (named !== undefined && !named.some((each) => each?.value === email.value)),
    );
  }
  if (part === undefined && filter === undefined) {
    const sent = (Array.isArray(value) ? value : [value]).flatMap((each) => readEmail(each) ?? []);
    if (op === "replace") return sent;
    const kept = emails.filter((email) => !sent.some((each) => isSameEmail(each, email)));
    return [...kept, ...sent];
  }
  if (part !== undefined && part !== "value") {
    if (!["type", "primary", "display"].includes(part)) throw new ScimFault("invalidPath", "The path is not known.");
    return emails;
  }
  const address = part === "value" ? readText("emails.value", value) : readEmail(value)?.value;
  if (address === undefined) return emails.filter((email) => !isMeant(email));
  if (emails.some(isMeant)) return emails.map((email) => (isMeant(email) ? { ...email, value: address } : email));
  // Entra fills an address that was not there before by replacing it.
  return [...emails, { value: address, type: filter?.type, primary: filter?.primary ?? emails.length === 0 }];
}

function isSameEmail(left: ScimEmail, right: ScimEmail): boolean {
  return left.value.toLowerCase() === right.value.toLowerCase() && left.type === right.type;
}

function readEmail(entry: unknown): ScimEmail | undefined {
  const fields = typeof entry === "string" ? new Map<string, unknown>([["value", entry]]) : readFields(entry);
  const value = readText("emails.value", fields.get("value") ?? null);
  const primary = fields.get("primary");
  return value === undefined
    ? undefined
    : {
        value,
        type: readText("emails.type", fields.get("type") ?? null),
        primary: primary === undefined || primary === null ? false : readActive(primary),
      };
}

interface EmailFilter {
  readonly type: string | undefined;
  readonly primary: boolean | undefined;
  readonly matches: (email: ScimEmail) => boolean;
}

interface Path {
  /** In lower case, without the schema before it. */
  readonly attribute: string;
  readonly filter: EmailFilter | undefined;
  readonly part: string | undefined;
}

/** RFC 7644 3.5.2: an attribute, perhaps behind its schema, perhaps with a filter of values, perhaps with a part. */
function readPath(path: string): Path {
  const urn = `${userSchema.toLowerCase()}:`;
  const lower = path.toLowerCase();
  const local = lower.startsWith(urn) ? path.slice(urn.length) : path;
  // Attributes of other schemas, such as the enterprise extension, are somebody else's.
  if (/^urn:[\w.:-]+$/i.test(local)) return { attribute: local.toLowerCase(), filter: undefined, part: undefined };
  const [, attribute, filter, part] =
    /^([A-Za-z$][\w$-]*)(?:\[([^\]]*)\])?(?:\.([A-Za-z$][\w$-]*))?$/.exec(local) ?? [];
  if (attribute === undefined) throw new ScimFault("invalidPath", "The path is not one that SCIM knows.");
  return {
    attribute: attribute.toLowerCase(),
    filter: filter === undefined ? undefined : readEmailFilter(filter),
    part: part?.toLowerCase(),
  };
}

function readEmailFilter(text: string): EmailFilter {
  const clauses = readFilter(text);
  if (clauses === undefined) throw new ScimFault("invalidPath", "The filter in the path is not understood.");
  const type = clauses.find((clause) => clause.attribute === "type")?.value;
  const primary = clauses.find((clause) => clause.attribute === "primary")?.value;
  return {
    type: typeof type === "string" ? type : undefined,
    primary: primary === undefined ? undefined : readActive(primary),
    matches: (email) =>
      clauses.every(({ attribute, value }) => {
        if (attribute === "type") return typeof value === "string" && email.type?.toLowerCase() === value.toLowerCase();
        if (attribute === "primary") return email.primary === readActive(value);
        if (attribute === "value")
          return typeof value === "string" && email.value.toLowerCase() === value.toLowerCase();
        return false;
      }),
  };
}

/** An object's own fields by lower-case name: attribute names are case-insensitive. */
function readFields(value: unknown): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ScimFault("invalidSyntax", "An object was expected.");
  }
  const fields = new Map<string, unknown>();
  for (const [name, field] of Object.entries(value)) {
    const lower = name.toLowerCase();
    // Which of two spellings counts must not depend on their order.
    if (fields.has(lower)) throw new ScimFault("invalidSyntax", "A field is there twice.");
    fields.set(lower, field);
  }
  return fields;
}

function requireSchema(fields: ReadonlyMap<string, unknown>, schema: string): void {
  const schemas = fields.get("schemas");
  if (schemas === undefined) return;
  const isNamed =
    Array.isArray(schemas) &&
    schemas.some((each) => typeof each === "string" && each.toLowerCase() === schema.toLowerCase());
  if (!isNamed) throw new ScimFault("invalidSyntax", `schemas must name ${schema}.`);
}
