import type { Account, KeyRecord } from "./account.ts";
import { roundUsd } from "./ledger.ts";
import { resetIntervals, windowStart } from "./windows.ts";
import type { ResetInterval } from "./windows.ts";

/** The eight usage figures, US dollars: ever, and in the current UTC day, week and month. */
export interface Usage {
  readonly usage: number;
  readonly usage_daily: number;
  readonly usage_weekly: number;
  readonly usage_monthly: number;
  readonly byok_usage: number;
  readonly byok_usage_daily: number;
  readonly byok_usage_weekly: number;
  readonly byok_usage_monthly: number;
}

/** A key as the management API shows it. */
export interface KeyObject extends Usage {
  readonly hash: string;
  readonly name: string;
  readonly label: string;
  readonly disabled: boolean;
  readonly limit: number | null;
  readonly limit_remaining: number | null;
  readonly limit_reset: ResetInterval | null;
  readonly include_byok_in_limit: boolean;
  readonly created_at: string;
  readonly updated_at: string | null;
  readonly expires_at: string | null;
  readonly creator_user_id: string | null;
  readonly workspace_id: string;
  readonly external_user?: string | null;
}

/** The key's wire form; usage is as of `spendTo`. */
export function keyObject(account: Account, key: KeyRecord, spendTo: Date): KeyObject {
  return {
    hash: key.hash,
    name: key.name,
    label: keyLabel(account, key),
    disabled: key.disabledSince !== null,
    limit: key.limit,
    limit_remaining: limitRemaining(account, key, spendTo),
    limit_reset: key.limitReset,
    include_byok_in_limit: key.includeByokInLimit,
    ...usageOf(account, key, spendTo),
    created_at: microsecondTime(key.createdAt),
    updated_at: key.updatedAt === null ? null : microsecondTime(key.updatedAt),
    expires_at: key.expiresAt === null ? null : secondTime(key.expiresAt),
    creator_user_id: key.creatorUserId,
    workspace_id: key.workspaceId,
    ...(account.knobs.read().omitExternalUser ? {} : { external_user: key.externalUser }),
  };
}

/** The masked key. Real labels end in 3 or in 4 characters; both were seen. */
export function keyLabel(account: Account, key: KeyRecord): string {
  return maskedLabel(key.labelEnds.head, key.labelEnds.tail.slice(-account.knobs.read().labelTail));
}

export function maskedLabel(head: string, tail: string): string {
  return `sk-or-v1-${head}...${tail}`;
}

/** Up to when spend shows in answers. */
export function spendShownTo(account: Account): Date {
  return new Date(account.clock.now().getTime() - account.knobs.read().usageLagMs);
}

/** What is left of the limit in its current window, US dollars; negative when overspent, null without a limit. */
export function limitRemaining(account: Account, key: KeyRecord, spendTo: Date): number | null {
  if (key.limit === null) return null;
  const from = key.limitReset === null ? null : windowStart(key.limitReset, account.clock.now());
  const credits = account.ledger.total(key.hash, { from, to: spendTo, isByok: false });
  const byok = key.includeByokInLimit ? account.ledger.total(key.hash, { from, to: spendTo, isByok: true }) : 0;
  return roundUsd(key.limit - credits - byok);
}

export function usageOf(account: Account, key: KeyRecord, spendTo: Date): Usage {
  const now = account.clock.now();
  const figures = (isByok: boolean) => {
    const [daily, weekly, monthly] = resetIntervals.map((interval) =>
      account.ledger.total(key.hash, { from: windowStart(interval, now), to: spendTo, isByok }),
    );
    const ever = account.ledger.total(key.hash, { from: null, to: spendTo, isByok });
    return { ever, daily: daily ?? 0, weekly: weekly ?? 0, monthly: monthly ?? 0 };
  };
  const credits = figures(false);
  const byok = figures(true);
  return {
    usage: credits.ever,
    usage_daily: credits.daily,
    usage_weekly: credits.weekly,
    usage_monthly: credits.monthly,
    byok_usage: byok.ever,
    byok_usage_daily: byok.daily,
    byok_usage_weekly: byok.weekly,
    byok_usage_monthly: byok.monthly,
  };
}

/** As production writes `created_at`: microseconds and a numeric offset. */
export function microsecondTime(at: Date): string {
  return at.toISOString().replace("Z", "000+00:00");
}

/** As the specification writes `expires_at`; whole seconds have no fraction. */
export function secondTime(at: Date): string {
  return at.toISOString().replace(".000Z", "Z");
}
