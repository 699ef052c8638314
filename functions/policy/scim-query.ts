import { readFilter } from "./scim-filter.ts";
import type { ScimUser } from "./scim-user.ts";
import { ScimFault } from "./scim-user.ts";

/** Which users a list is of: all that agree with every field. */
export interface ScimQuery {
  readonly id?: string;
  /** In lower case: user names are compared without regard to case (RFC 7643 4.1.1). */
  readonly userName?: string;
  /** Compared exactly. */
  readonly externalId?: string;
  /** In lower case. */
  readonly email?: string;
  readonly active?: boolean;
}

export interface ScimPage {
  /** From 1. */
  readonly startIndex: number;
  readonly count: number;
}

const mostPerPage = 200;

/** The parameter `filter`; undefined is everybody. Throws ScimFault. */
export function readQuery(filter: string | undefined): ScimQuery {
  if (filter === undefined) return {};
  const clauses = readFilter(filter);
  if (clauses === undefined) {
    throw new ScimFault(
      "invalidFilter",
      'Only filters such as userName eq "ada@example.com" and their conjunctions work.',
    );
  }
  let query: ScimQuery = {};
  for (const { attribute, value } of clauses) {
    const asked = readClause(attribute, value);
    // One that is asked for twice could only be answered by nobody; no provider means that.
    if (Object.keys(asked).some((name) => name in query)) {
      throw new ScimFault("invalidFilter", "The filter asks for one attribute twice.");
    }
    query = { ...query, ...asked };
  }
  return query;
}

function readClause(attribute: string, value: string | boolean): ScimQuery {
  if (attribute === "active") {
    if (typeof value === "boolean") return { active: value };
  } else if (typeof value === "string") {
    switch (attribute) {
      case "id":
        return { id: value };
      case "username":
        return { userName: value.toLowerCase() };
      case "externalid":
        return { externalId: value };
      case "emails":
      case "emails.value":
      case 'emails[type eq "work"].value':
        return { email: value.toLowerCase() };
      default:
    }
  }
  throw new ScimFault("invalidFilter", "The filter asks for an attribute that cannot be searched.");
}

/** RFC 7644 3.4.2.4: what is below its least counts as the least; what is no number is refused. */
export function readPage(startIndex: string | undefined, count: string | undefined): ScimPage {
  const from = readWhole("startIndex", startIndex ?? "1");
  const size = readWhole("count", count ?? "100");
  return {
    startIndex: from < 1 ? 1 : from,
    count: size < 0 ? 0 : size > mostPerPage ? mostPerPage : size,
  };
}

function readWhole(name: string, text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new ScimFault("invalidValue", `${name} must be a whole number.`);
  return Number(text);
}

/** Whether a user is one of those; what a store without an index of its own may use. */
export function matchesQuery(query: ScimQuery, id: string, user: ScimUser): boolean {
  return (
    (query.id === undefined || query.id === id) &&
    (query.userName === undefined || query.userName === user.userName.toLowerCase()) &&
    (query.externalId === undefined || query.externalId === user.externalId) &&
    (query.email === undefined || user.emails.some(({ value }) => value.toLowerCase() === query.email)) &&
    (query.active === undefined || query.active === user.active)
  );
}
