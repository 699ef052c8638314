import * as z from "zod/mini";

/** An id as Microsoft writes it. Nothing else: whoever answers must not be able to name an API by its address. */
const Guid = z.string().check(z.regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/));

/**
 * `GET /v1/auth/entra`: the tenant whose accounts may sign in with the editor's own Microsoft sign-in, and the
 * application id of the function's API, for whose permission `access` the token has to be. 404 where it is not set up.
 */
export const EntraAnswer = z.object({ tenantId: Guid, audience: Guid });
export type EntraAnswer = z.infer<typeof EntraAnswer>;

/** What the editor's Microsoft sign-in is asked for: the one permission of the one API, in the one tenant. */
export function entraScopes({ tenantId, audience }: EntraAnswer): readonly string[] {
  return [`api://${audience}/access`, `VSCODE_TENANT:${tenantId}`];
}
