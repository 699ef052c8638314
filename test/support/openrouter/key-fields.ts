import * as z from "zod/mini";

import type { KeyWishes } from "./account.ts";
import { resetIntervals } from "./windows.ts";

const limit = z.nullable(z.number());
const limitReset = z.nullable(z.enum(resetIntervals));

// Seconds are required, minute precision and any zone but Z are refused, as the specification says.
const utcTime = z.string().check(
  z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
  z.refine((text) => {
    const at = new Date(text);
    return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text.slice(0, 19));
  }),
);

// Unknown fields are dropped; `disabled` is one of them here, since only a change may set it.
const CreateBody = z.object({
  name: z.string().check(z.minLength(1)),
  limit: z.optional(limit),
  limit_reset: z.optional(limitReset),
  expires_at: z.optional(z.nullable(utcTime)),
  include_byok_in_limit: z.optional(z.boolean()),
  creator_user_id: z.optional(z.nullable(z.string().check(z.minLength(1)))),
  workspace_id: z.optional(z.uuid()),
  external: z.optional(z.object({ user: z.string(), api_key: z.optional(z.string().check(z.minLength(32))) })),
});

// expires_at, workspace_id and creator_user_id are decided at creation: here they are unknown fields.
const ChangeBody = z.object({
  name: z.optional(z.string()),
  disabled: z.optional(z.boolean()),
  limit: z.optional(limit),
  limit_reset: z.optional(limitReset),
  include_byok_in_limit: z.optional(z.boolean()),
});
export type KeyChanges = z.infer<typeof ChangeBody>;

/** The body of a create as wishes; undefined when OpenRouter would refuse it. */
export function parseCreate(body: unknown, defaultWorkspaceId: string): KeyWishes | undefined {
  const parsed = CreateBody.safeParse(body);
  if (!parsed.success) return undefined;
  const fields = parsed.data;
  return {
    name: fields.name,
    limit: fields.limit ?? null,
    limitReset: fields.limit_reset ?? null,
    includeByokInLimit: fields.include_byok_in_limit ?? false,
    expiresAt: fields.expires_at == null ? null : new Date(fields.expires_at),
    creatorUserId: fields.creator_user_id ?? null,
    workspaceId: fields.workspace_id ?? defaultWorkspaceId,
    externalUser: fields.external?.user ?? null,
  };
}

/** The body of a change; undefined when OpenRouter would refuse it. */
export function parseChanges(body: unknown): KeyChanges | undefined {
  const parsed = ChangeBody.safeParse(body);
  return parsed.success ? parsed.data : undefined;
}

const ListQuery = z.object({
  include_disabled: z.optional(z.enum(["true", "false"])),
  offset: z.optional(z.string().check(z.regex(/^\d{1,9}$/))),
  workspace_id: z.optional(z.uuid()),
});

/** Which keys a list asks for; undefined when OpenRouter would refuse it. */
export function parseListQuery(
  query: Record<string, string>,
): { includeDisabled: boolean; offset: number; workspaceId: string | undefined } | undefined {
  const parsed = ListQuery.safeParse(query);
  if (!parsed.success) return undefined;
  return {
    includeDisabled: parsed.data.include_disabled === "true",
    offset: Number(parsed.data.offset ?? 0),
    workspaceId: parsed.data.workspace_id,
  };
}
