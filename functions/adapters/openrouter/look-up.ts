import * as z from "zod/mini";

import { createJsonClient } from "../json-client.ts";
import type { ProvisionerOptions } from "./provisioner.ts";

const OwnKey = z.object({ data: z.object({ is_management_key: z.boolean(), expires_at: z.nullish(z.string()) }) });

/** What OpenRouter says when it is only asked. */
export type LookedUp =
  | { readonly kind: "found"; readonly expiresAt: string | undefined }
  | { readonly kind: "ordinary key" }
  | { readonly kind: "missing" }
  | { readonly kind: "refused"; readonly status: number }
  | { readonly kind: "unclear"; readonly reason: string };

/** Questions to OpenRouter that change nothing there. */
export function createLookUp(options: Omit<ProvisionerOptions, "clock">) {
  const client = createJsonClient({ name: "OpenRouter", fetch: options.fetch, wait: options.wait });

  async function get(path: string, signal: AbortSignal) {
    const headers = { Authorization: `Bearer ${options.managementKey}` };
    return client.ask({ method: "GET", url: `${options.baseUrl}${path}`, headers }, signal);
  }

  async function find(path: string, signal: AbortSignal): Promise<LookedUp> {
    const reply = await get(path, signal);
    if (reply.kind === "failed") return { kind: "unclear", reason: reply.reason };
    const { status } = reply;
    if (status === 200) return { kind: "found", expiresAt: undefined };
    if (status === 404 || status === 400) return { kind: "missing" };
    if (status === 401 || status === 403) return { kind: "refused", status };
    return { kind: "unclear", reason: `OpenRouter answered ${status}.` };
  }

  return {
    /** A management key is known by what OpenRouter says of it, never by how it begins. */
    async managementKey(signal: AbortSignal): Promise<LookedUp> {
      const reply = await get("/key", signal);
      if (reply.kind === "failed") return { kind: "unclear", reason: reply.reason };
      const { status, body } = reply;
      if (status === 401 || status === 403) return { kind: "refused", status };
      const own = OwnKey.safeParse(body);
      if (status !== 200 || !own.success)
        return { kind: "unclear", reason: `${options.baseUrl}/key answered ${status} and not as OpenRouter does.` };
      const { is_management_key: isManagement, expires_at: expiresAt } = own.data.data;
      return isManagement ? { kind: "found", expiresAt: expiresAt ?? undefined } : { kind: "ordinary key" };
    },
    workspace: (id: string, signal: AbortSignal) => find(`/workspaces/${encodeURIComponent(id)}`, signal),
    guardrail: (id: string, signal: AbortSignal) => find(`/guardrails/${encodeURIComponent(id)}`, signal),
  };
}
