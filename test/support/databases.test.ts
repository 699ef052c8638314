import assert from "node:assert/strict";

import { databaseKinds, dump } from "./databases.ts";

const columns =
  "select table_name, column_name from information_schema.columns where table_schema = 'public' order by 1, 2";
const fill = `
  with ada as (
    insert into owners (id, issuer, subject, email, groups, created_at)
    values (gen_random_uuid(), 'https://issuer.example', 'ada', 'ada@example.com', '{}', now()) returning id)
  insert into audit (at, actor_kind, actor_label, verb, target_id, owner_id)
  select now(), 'system', 'function', 'key.create', 'x', id from ada returning id`;

for (const kind of databaseKinds) {
  describe(`a database of one's own on ${kind.name}`, function () {
    this.timeout(60_000);

    async function look() {
      await (await kind.open()).close();
      return {
        rows: await dump(kind),
        columns: await kind.query(columns),
        firstId: await kind.query(fill),
        // The migrations themselves have taken a number here.
        nextId: await kind.query("insert into shown_key_changes (change) values (0) returning id"),
      };
    }

    it("has nothing of the one before, however that was left", async () => {
      const first = await look();
      for (const change of ["select 1", "alter table owners add column planted int", "drop table audit cascade"]) {
        await kind.query(change);
        assert.deepStrictEqual(await look(), first, `after ${change}`);
      }
    });
  });
}
