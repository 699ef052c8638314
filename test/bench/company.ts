import { createHash } from "node:crypto";

import postgres from "postgres";

/** Keys on a page of OpenRouter's list. */
export const pageSize = 100;

/** The hash of the company's n-th key, from 1. */
export function hashOf(number: number): string {
  return number.toString().padStart(64, "0");
}

/** The id of the company's n-th key, without its hyphens. */
export function keyIdOf(number: number): string {
  return createHash("md5").update(String(number)).digest("hex");
}

/** The session of the company's n-th person, from 1. */
export function tokenOf(number: number): string {
  return `ors_${number.toString().padStart(43, "0")}`;
}

/** Everybody at home has an address of their own; requests are counted by it. */
export function addressOf(number: number): string {
  return `10.1.${Math.floor(number / 250)}.${number % 250}`;
}

export const domain = "example.com";
const issuer = "https://issuer.example.com";

export interface Company {
  readonly people: number;
  /** How many keys each of them has. */
  readonly keysEach: number;
}

/** Fills a database that the function has made its tables in. Everybody is signed in, and the spend was just refreshed. */
export async function seedCompany(databaseUrl: string, { people, keysEach }: Company): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  try {
    await sql`
      insert into owners (id, issuer, subject, email, groups, created_at)
      select gen_random_uuid(), ${issuer}, n::text, 'person-' || n || '@' || ${domain}, '{}', now()
      from generate_series(1, ${people}::int) n`;
    await sql`
      insert into keys (id, owner_id, name, label, upstream_hash, phase, limit_cents, wanted_cents, reset, created_at, expires_at, attempt, lease_until)
      select md5(n::text)::uuid, owners.id, 'laptop', 'sk-or-v1-000...000', lpad(n::text, 64, '0'), 'live', 2500, 2500, 'monthly',
        now() - interval '60 days' + n * interval '1 second', now() + interval '30 days', 1, to_timestamp(0)
      from generate_series(1, ${people * keysEach}::int) n
      join owners on owners.subject = (1 + (n - 1) % ${people}::int)::text`;
    await sql`
      insert into key_spend (key_id, seen_at, limit_usd, remaining_usd, day_usd, week_usd, month_usd)
      select id, now() - interval '1 hour', 25, 25, 0, 0, 0 from keys`;
    await setSpendAge(databaseUrl, 0);
    const sessions = Array.from({ length: Math.min(people, 400) }, (_, index) => ({
      subject: String(index + 1),
      hash: createHash("sha256")
        .update(tokenOf(index + 1))
        .digest("base64url"),
    }));
    await sql`
      insert into sessions (token_hash, owner_id, created_at, auth_time, last_used_at, idle_until, expires_at, client)
      select session.hash, owners.id, now(), now(), now(), now() + interval '1 day', now() + interval '1 day', 'bench'
      from jsonb_to_recordset(${sql.json(sessions)}) as session (subject text, hash text)
      join owners on owners.subject = session.subject`;
    await sql`vacuum analyze`;
  } finally {
    await sql.end();
  }
}

/** Says when the company's spend was last refreshed: an old one is refreshed when an administrator looks. */
export async function setSpendAge(databaseUrl: string, hours: number): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  try {
    // A refresh in the future stays fresh for as long as the measures take.
    const at = new Date(Date.now() + (hours === 0 ? 3_600_000 : -hours * 3_600_000));
    await sql`
      insert into leases (name, fence, expires_at, done_at, done_complete) values ('spend', 1, to_timestamp(0), ${at}, true)
      on conflict (name) do update set done_at = excluded.done_at, expires_at = excluded.expires_at`;
  } finally {
    await sql.end();
  }
}
