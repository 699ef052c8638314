import type { Context } from "hono";
import * as z from "zod/mini";

import { ServiceError } from "../services/errors.ts";

/** A query's text as a number from 1 to 200. */
export const Limit = z.pipe(
  z.string().check(z.regex(/^\d{1,3}$/, { error: "Write a number from 1 to 200." })),
  z.pipe(z.transform(Number), z.number().check(z.gte(1), z.lte(200))),
);
export const Cursor = z.optional(z.string().check(z.minLength(1), z.maxLength(200)));
export const PageQuery = z.strictObject({ cursor: Cursor, limit: z.optional(Limit) });

/** The JSON body, parsed. Throws `invalid_request` with a sentence that names the field. */
export async function parseBody<T extends z.ZodMiniType>(context: Context, schema: T): Promise<z.infer<T>> {
  const text = await context.req.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ServiceError("invalid_request", "The body is not JSON.");
  }
  return parseWith(schema, body);
}

export function parseWith<T extends z.ZodMiniType>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ServiceError("invalid_request", issue === undefined ? "The request is not valid." : sentence(issue));
}

/** Field names are ours or the caller's own; values are not repeated, they may be secrets. */
function sentence(issue: z.core.$ZodIssue): string {
  const field = issue.path.length === 0 ? "The request" : issue.path.map(String).join(".");
  switch (issue.code) {
    case "unrecognized_keys":
      return `${field} has fields that are not known here: ${issue.keys.map((key) => JSON.stringify(key.slice(0, 50))).join(", ")}.`;
    case "invalid_type":
      return `${field} must be ${withArticle(issue.expected)}.`;
    case "custom":
      return issue.path.length === 0 ? issue.message : `${field}: ${issue.message}`;
    case "too_big":
      return `${field} is more than ${String(issue.maximum)}.`;
    case "too_small":
      return `${field} is less than ${String(issue.minimum)}.`;
    default:
      return `${field} is not valid.`;
  }
}

function withArticle(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

/** Ids are UUIDs; anything else is nobody's and must not reach the database. */
export function parseId(text: string, absent: string): string {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw new ServiceError("not_found", absent);
  return text.toLowerCase();
}
