import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

import { sql } from "drizzle-orm";

import type { Database } from "../../../functions/adapters/postgres/database.ts";
import { migrate } from "../../../functions/adapters/postgres/migrate.ts";
import { databaseKinds } from "../../support/databases.ts";

const owner = "00000000-0000-4000-8000-000000000001";

for (const kind of databaseKinds) {
  describe(`the database on ${kind.name}`, function () {
    this.timeout(60_000);
    let database: Database;
    let close: () => Promise<void>;

    beforeEach(async () => {
      ({ database, close } = await kind.openBare());
    });

    afterEach(() => close());

    async function codeOf(statement: ReturnType<typeof sql>): Promise<unknown> {
      return database.execute(statement).then(
        () => "done",
        (error: Error) => Object(error.cause).code,
      );
    }

    async function value(statement: ReturnType<typeof sql>): Promise<unknown> {
      const [row] = await database.select({ value: sql`value` }).from(sql`(${statement}) as answer (value)`);
      return row?.value;
    }

    const insertOwner = sql`
      insert into owners (id, issuer, subject, email, groups, created_at)
      values (${owner}, 'https://issuer.example', 'ada', 'ada@example.com', '{}', now())`;

    it("lets nobody change or remove what is in the record", async () => {
      await migrate(database);
      await database.execute(insertOwner);
      await database.execute(sql`
        insert into audit (at, actor_kind, actor_label, verb, target_id, owner_id)
        values (now(), 'system', 'function', 'key.create', 'x', ${owner})`);
      const refusals = [
        await codeOf(sql`update audit set verb = 'nothing'`),
        await codeOf(sql`delete from audit`),
        await codeOf(sql`truncate audit`),
      ];
      assert.deepStrictEqual(
        [refusals, await value(sql`select count(*)::int from audit where verb = 'key.create'`)],
        [["42501", "42501", "42501"], 1],
      );
    });

    it("brings the keys of the first version along", async () => {
      const first = await readFile("functions/adapters/postgres/migrations/0000_first.sql", "utf8");
      for (const statement of first.split("--> statement-breakpoint")) await database.execute(sql.raw(statement));
      const hash = createHash("sha256").update(first).digest("hex");
      await database.execute(
        sql`create table schema_migrations (hash text primary key, applied_at timestamptz not null default now())`,
      );
      await database.execute(sql`insert into schema_migrations (hash) values (${hash})`);
      await database.execute(insertOwner);
      for (const [id, lifecycle, endedAs] of [
        [2, "live", null],
        [3, "ended", "gone"],
        [4, "ended", "deleted"],
      ] as const) {
        await database.execute(sql`
          insert into keys (id, owner_id, name, upstream_hash, lifecycle, ended_as, limit_cents, reset, created_at, expires_at, attempt, lease_until)
          values (${`00000000-0000-4000-8000-00000000000${id}`}, ${owner}, 'laptop', ${String(id)}, ${lifecycle}, ${endedAs}, 2500, 'monthly', now(), now(), 1, now())`);
      }
      await migrate(database);
      await migrate(database);
      assert.deepStrictEqual(
        [
          await value(sql`select string_agg(phase || ' ' || wanted_cents, ', ' order by id) from keys`),
          await value(sql`select sum(change)::int from shown_key_changes`),
        ],
        ["live 2500, gone 2500, deleted 2500", 2],
      );
    });

    it("finds parts of names by an index", async () => {
      await migrate(database);
      assert.equal(await value(sql`select count(*)::int from pg_indexes where indexname like '%by_part_of%'`), 2);
    });
  });
}
