import { sql } from "drizzle-orm";

import type { SeenSpend } from "../../services/key-store.ts";
import type { Database } from "./database.ts";
import { keySpend, keys } from "./schema.ts";

/** One statement for a whole page. What has not changed is left alone: most keys of a company are idle at any time. */
export async function saveSpend(
  database: Database,
  reports: readonly (SeenSpend & { readonly hash: string })[],
  at: number,
): Promise<void> {
  if (reports.length === 0) return;
  const rows = JSON.stringify(
    reports.map((report) => ({
      hash: report.hash,
      limit_usd: report.limitUsd,
      remaining_usd: report.remainingUsd,
      day_usd: report.dayUsd,
      week_usd: report.weekUsd,
      month_usd: report.monthUsd,
    })),
  );
  await database.execute(sql`
    insert into ${keySpend} as seen (key_id, seen_at, limit_usd, remaining_usd, day_usd, week_usd, month_usd)
    select ${keys}.id, ${new Date(at).toISOString()}::timestamptz, report.limit_usd, report.remaining_usd, report.day_usd, report.week_usd, report.month_usd
    from jsonb_to_recordset(${rows}::jsonb) as report (
      hash text, limit_usd float8, remaining_usd float8, day_usd float8, week_usd float8, month_usd float8
    )
    join ${keys} on ${keys}.upstream_hash = report.hash
    -- In one order everywhere, so that two reports of the same keys never wait for each other in a ring.
    order by ${keys}.id
    on conflict (key_id) do update set
      seen_at = excluded.seen_at, limit_usd = excluded.limit_usd, remaining_usd = excluded.remaining_usd,
      day_usd = excluded.day_usd, week_usd = excluded.week_usd, month_usd = excluded.month_usd
    where seen.seen_at < excluded.seen_at
      and (seen.limit_usd, seen.remaining_usd, seen.day_usd, seen.week_usd, seen.month_usd)
        is distinct from
        (excluded.limit_usd, excluded.remaining_usd, excluded.day_usd, excluded.week_usd, excluded.month_usd)`);
}
