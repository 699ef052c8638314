/** One comparison. The attribute is in lower case, without the schema before it. */
export interface FilterClause {
  readonly attribute: string;
  readonly value: string | boolean;
}

/**
 * The filters that identity providers send: comparisons for equality, joined by `and` (RFC 7644 3.4.2.2). Undefined
 * for every other, so that a filter that is not understood is refused and never answers with everybody.
 */
export function readFilter(text: string): readonly FilterClause[] | undefined {
  if (text.length > 1_000) return undefined;
  const clauses: FilterClause[] = [];
  let rest = text.trim();
  for (;;) {
    const match = clausePattern.exec(rest);
    const [whole, attribute, literal] = match ?? [];
    if (whole === undefined || attribute === undefined || literal === undefined) return undefined;
    const value = readLiteral(literal);
    if (value === undefined) return undefined;
    clauses.push({
      attribute: attribute.replace(/^urn:ietf:params:scim:schemas:core:2\.0:User:/i, "").toLowerCase(),
      value,
    });
    rest = rest.slice(whole.length);
    if (rest === "") return clauses;
    const and = /^\s+and\s+/i.exec(rest);
    if (and === null) return undefined;
    rest = rest.slice(and[0].length);
  }
}

const clausePattern =
  /^((?:urn:[\w.:-]+:)?[A-Za-z$][\w$.-]*(?:\[type eq "work"\]\.value)?)\s+eq\s+("(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*"|true|false)/i;

/** Strings are JSON's. */
function readLiteral(literal: string): string | boolean | undefined {
  if (!literal.startsWith('"')) return literal.toLowerCase() === "true";
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
