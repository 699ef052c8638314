import { Hono } from "hono";

import type { Account } from "./account.ts";
import { answer } from "./answers.ts";
import { refusedCredential } from "./auth.ts";
import type { StandInContext, StandInEnv } from "./context.ts";
import { keyLabel, limitRemaining, maskedLabel, secondTime, spendShownTo, usageOf } from "./key-object.ts";

const noUsage = {
  usage: 0,
  usage_daily: 0,
  usage_weekly: 0,
  usage_monthly: 0,
  byok_usage: 0,
  byok_usage_daily: 0,
  byok_usage_weekly: 0,
  byok_usage_monthly: 0,
};

/** GET /key, its older name GET /auth/key, and GET /credits. */
export function ownKeyRoutes(account: Account): Hono<StandInEnv> {
  const routes = new Hono<StandInEnv>({ strict: false });
  const ownKey = (c: StandInContext) => refusedCredential(c) ?? answer(200, { data: ownKeyObject(account, c) });
  routes.get("/key", ownKey);
  routes.get("/auth/key", ownKey);

  routes.get("/credits", (c) => {
    const refused = refusedCredential(c);
    if (refused !== undefined) return refused;
    // With an ordinary key production answers zeros, not the 403 its specification promises.
    const isManagement = c.get("caller").kind === "management";
    const total_credits = isManagement ? account.knobs.read().accountCreditsUsd : 0;
    const total_usage = isManagement ? account.ledger.credits(spendShownTo(account)) : 0;
    return answer(200, { data: { total_credits, total_usage } });
  });

  return routes;
}

/** No hash, no name, no `disabled`: whoever asks must compute the hash from the key. */
function ownKeyObject(account: Account, c: StandInContext): unknown {
  const caller = c.get("caller");
  const key = caller.kind === "key" ? caller.key : undefined;
  const spendTo = spendShownTo(account);
  return {
    label: key === undefined ? maskedLabel("000", "0000") : keyLabel(account, key),
    limit: key?.limit ?? null,
    limit_remaining: key === undefined ? null : limitRemaining(account, key, spendTo),
    limit_reset: key?.limitReset ?? null,
    include_byok_in_limit: key?.includeByokInLimit ?? false,
    ...(key === undefined ? noUsage : usageOf(account, key, spendTo)),
    is_free_tier: false,
    is_management_key: key === undefined,
    is_provisioning_key: key === undefined,
    expires_at: key === undefined || key.expiresAt === null ? null : secondTime(key.expiresAt),
    creator_user_id: key?.creatorUserId ?? null,
    rate_limit: { requests: -1, interval: "10s", note: "This field is deprecated and safe to ignore." },
    allowed_data_regions: ["global"],
    free_model_daily_requests: { limit: 1000, remaining: 1000, used: 0 },
    organization_id: account.organizationId,
    workspace_id: key?.workspaceId ?? account.defaultWorkspaceId,
  };
}
