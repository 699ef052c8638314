// What the measures are held against: a bare Hono handler that sends by hand, through postgres.js, the statements that the
// function sends, in the same transactions, and asks the same of OpenRouter. No checks, no sealing, no log, no limits.
import { createHash, randomUUID } from "node:crypto";

import { serve } from "@hono/node-server";
import type { Context } from "hono";
import { Hono } from "hono";
import postgres from "postgres";
import { Agent, request as undiciRequest } from "undici";
import * as z from "zod/mini";

import { pageSize } from "./company.ts";

const databaseUrl = process.env["DATABASE_URL"] ?? "";
const upstream = process.env["OPENROUTER_BASE_URL"] ?? "";
const sql = postgres(databaseUrl, { max: 20, fetch_types: false, onnotice: () => undefined });
const agent = new Agent({ connections: 64 });

async function ask(method: "GET" | "POST", path: string, body?: object): Promise<unknown> {
  const response = await undiciRequest(`${upstream}${path}`, {
    method,
    dispatcher: agent,
    headers: { Authorization: "Bearer bench", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return response.body.json();
}

const Made = z.object({ key: z.string(), data: z.object({ hash: z.string(), label: z.string() }) });
const Wish = z.object({ name: z.string() });
const Page = z.object({ data: z.array(z.object({ hash: z.string(), usage_daily: z.number() })) });

interface Caller {
  readonly id: string;
  readonly email: string;
}

function tokenHashOf(context: Context): string {
  const token = (context.req.header("Authorization") ?? "").slice("Bearer ".length);
  return createHash("sha256").update(token).digest("base64url");
}

function findSession(hash: string, now: Date) {
  return sql<Caller[]>`
    select s.token_hash, s.id as session_id, s.owner_id, s.created_at, s.auth_time, s.last_used_at, s.idle_until, s.expires_at, s.client,
      o.id, o.issuer, o.subject, o.email, o.groups, o.created_at, o.blocked_at
    from sessions s join owners o on o.id = s.owner_id
    where s.token_hash = ${hash} and s.expires_at > ${now} and s.idle_until > ${now}`;
}

/** The session with its owner, and the counts of this minute's requests. */
async function enter(context: Context): Promise<Caller> {
  const hash = tokenHashOf(context);
  const now = new Date();
  const minute = Math.floor(now.getTime() / 60_000);
  const subjects = JSON.stringify([`address ${context.req.header("X-Forwarded-For") ?? ""}`, `session ${hash}`]);
  const [[owner]] = await Promise.all([
    findSession(hash, now),
    sql`
      insert into request_counts (subject, minute, count)
      select value, ${minute}::int, 1 from jsonb_array_elements_text(${subjects}::text::jsonb)
      on conflict (subject) do update set minute = excluded.minute,
        count = case when request_counts.minute = excluded.minute then request_counts.count + 1 else 1 end
      returning subject, count`,
  ]);
  if (owner === undefined) throw new Error("Nobody has this session.");
  return owner;
}

const keyColumns = sql`
  k.id, k.owner_id, k.name, k.label, k.upstream_hash, k.phase, k.ended_at, k.disabled, k.admin_hold, k.limit_cents,
  k.wanted_cents, k.fit_at, k.reset, k.workspace_id, k.created_at, k.expires_at, k.replaces_id, k.retire_at,
  k.charged_cents, k.charged_until, k.attempt, k.lease_until, k.sealed_secret, k.sealed_until`;
const spendColumns = sql`s.key_id, s.seen_at, s.limit_usd, s.remaining_usd, s.day_usd, s.week_usd, s.month_usd`;

async function create(context: Context): Promise<Response> {
  const owner = await enter(context);
  const { name } = Wish.parse(await context.req.json());
  const idempotencyKey = context.req.header("Idempotency-Key") ?? "";
  const bodyHash = createHash("sha256").update(name).digest("base64url");
  const keyId = randomUUID();
  const now = new Date();
  const expiresAt = new Date(now.getTime() + 86_400_000);
  await sql.begin(async (transaction) => {
    await Promise.all([
      transaction`select id from owners where id = ${owner.id} for no key update`,
      transaction`
      select i.owner_id, i.key, i.body_hash, i.key_id, i.created_at, ${keyColumns}
      from idempotency i join keys k on k.id = i.key_id where i.owner_id = ${owner.id} and i.key = ${idempotencyKey}`,
      transaction`
      select count(*) filter (where phase in ('reserved', 'live') and expires_at > ${now})::int as live,
        count(*) filter (where phase = 'retiring' and expires_at > ${now})::int as retiring,
        count(*) filter (where phase in ('live', 'retiring') and (expires_at <= ${now} or retire_at <= ${now}))::int as overdue,
        coalesce(sum(limit_cents) filter (where phase = 'reserved' or phase in ('live', 'retiring')), 0)::float8 as limits,
        coalesce(sum(charged_cents) filter (where charged_until > ${now}), 0)::float8 as charges,
        json_agg(extract(epoch from created_at)::float8 * 1000 order by created_at)
          filter (where created_at > ${new Date(now.getTime() - 3_600_000)}) as recent
      from keys where owner_id = ${owner.id}`,
    ]);
    await transaction`
      with made as (
        insert into keys as k (id, owner_id, name, phase, limit_cents, wanted_cents, reset, workspace_id, created_at, expires_at, replaces_id, attempt, lease_until)
        values (${keyId}, ${owner.id}, ${name}, 'reserved', 1, 1, 'monthly', ${null}, ${now}, ${expiresAt}, ${null}, 1, ${new Date(now.getTime() + 30_000)})
        returning ${keyColumns}
      ), remembered as (
        insert into idempotency (owner_id, key, body_hash, key_id, created_at)
        values (${owner.id}, ${idempotencyKey}, ${bodyHash}, ${keyId}, ${now})
      )
      select * from made`;
  });
  const mark = `[ork-00000000-${keyId.replaceAll("-", "")}-1]`;
  const made = Made.parse(
    await ask("POST", "/keys", {
      name: `${name} (${owner.email}) ${mark}`,
      limit: 0.01,
      limit_reset: "monthly",
      expires_at: expiresAt.toISOString(),
      include_byok_in_limit: true,
    }),
  );
  await sql`
    with confirmed as (
      update keys set phase = 'live', upstream_hash = ${made.data.hash}, label = ${made.data.label},
        sealed_secret = ${sealedLength}, sealed_until = ${expiresAt}, lease_until = ${new Date(0)}
      where id = ${keyId} and attempt = 1 and phase = 'reserved' returning limit_cents, wanted_cents
    ), recorded as (
      insert into audit (at, actor_kind, actor_id, actor_label, verb, target_id, owner_id, before, after, request_id)
      select ${now}::timestamptz, 'owner', ${owner.id}::uuid, ${owner.email}, 'key.create', ${keyId}, ${owner.id}::uuid, null,
        ${sql.json({ name, limitUsd: 0.01, reset: "monthly", expiresAt: expiresAt.toISOString() })}::jsonb, ${randomUUID()}::uuid
      from confirmed
    )
    select * from confirmed`;
  await findSession(tokenHashOf(context), new Date());
  return context.json({ key: { id: keyId, name, label: made.data.label }, sealedSecret: sealedLength }, 201);
}

/** As long as a sealed secret, so that as much is written and sent. */
const sealedLength = "x".repeat(420);

const Owned = z.object({ upstream_hash: z.string() });

async function list(context: Context): Promise<Response> {
  const owner = await enter(context);
  const rows = await sql`
    select ${keyColumns}, ${spendColumns} from keys k left join key_spend s on s.key_id = k.id
    where k.owner_id = ${owner.id} and k.phase in ('live', 'retiring', 'expired', 'gone', 'revoked')
    order by k.created_at desc, k.id`;
  const spends = await Promise.all(rows.map((row) => ask("GET", `/keys/${Owned.parse(row).upstream_hash}`)));
  return context.json({ keys: rows, spends });
}

async function adminPage(context: Context): Promise<Response> {
  await enter(context);
  await sql`select name, fence, expires_at, done_at, done_complete from leases where name = 'spend'`;
  const [rows, [total]] = await Promise.all([
    sql`
      select ${keyColumns}, ${spendColumns}, o.id, o.issuer, o.subject, o.email, o.groups, o.created_at, o.blocked_at
      from keys k join owners o on o.id = k.owner_id left join key_spend s on s.key_id = k.id
      where k.phase in ('live', 'retiring', 'expired', 'gone', 'revoked')
      order by k.created_at desc, k.id desc limit 51`,
    sql`select coalesce(sum(change), 0)::int as total, count(*)::int as rows from shown_key_changes`,
    sql`select name, fence, expires_at, done_at, done_complete from leases where name = 'spend'`,
  ]);
  return context.json({ keys: rows, total });
}

/** The pages sixteen at a time, each saved with one statement. */
async function refresh(context: Context): Promise<Response> {
  const pages = Number(context.req.query("pages"));
  const now = new Date();
  const saving: Promise<unknown>[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let page = next++; page <= pages; page = next++) {
        const { data } = Page.parse(await ask("GET", `/keys?include_disabled=true&offset=${page * pageSize}`));
        if (data.length > 0) saving.push(save(data, now));
      }
    }),
  );
  await Promise.all(saving);
  return context.json({});
}

function save(data: readonly { readonly hash: string; readonly usage_daily: number }[], now: Date): Promise<unknown> {
  const reports = data.map(({ hash, usage_daily: usd }) => ({ hash, usd }));
  return sql`
    insert into key_spend as seen (key_id, seen_at, limit_usd, remaining_usd, day_usd, week_usd, month_usd)
    select k.id, ${now}, 25, 25 - report.usd, report.usd, report.usd, report.usd
    from jsonb_to_recordset(${sql.json(reports)}) as report (hash text, usd float8)
    join keys k on k.upstream_hash = report.hash
    on conflict (key_id) do update set seen_at = excluded.seen_at, remaining_usd = excluded.remaining_usd,
      day_usd = excluded.day_usd, week_usd = excluded.week_usd, month_usd = excluded.month_usd
    where seen.seen_at < excluded.seen_at and seen.day_usd is distinct from excluded.day_usd`;
}

const app = new Hono()
  .get("/bare", (context) => context.json({ status: "ok" }))
  .get("/lookup", async (context) => {
    const hash = createHash("sha256")
      .update(context.req.header("Authorization") ?? "")
      .digest("base64url");
    const rows = await sql`select owner_id from sessions where token_hash = ${hash}`;
    return context.json({ found: rows.length });
  })
  .post("/v1/keys", (context) => create(context))
  .get("/v1/keys", (context) => list(context))
  .get("/v1/admin/keys", (context) => adminPage(context))
  .get("/refresh", (context) => refresh(context));
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  console.log(`listening on http://127.0.0.1:${port}`);
});
process.once("SIGTERM", () => process.exit(0));
