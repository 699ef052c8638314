import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * While a version is rolled out, processes of the one before work on the same database. So a migration only adds; what
 * the code has stopped using is taken away a version later, in a migration that says so in its first line.
 */
const folder = "functions/adapters/postgres/migrations";
/** Before the first release: nobody ran the versions in between. */
const first = 6;
const isLate = /^-- unused since \d+\.\d+\.\d+\n/;

const takes: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["drops", /\bdrop\s+(?:table|column|constraint|default|type|extension|function|trigger|view)\b/],
  ["renames", /\brename\b/],
  ["changes a type", /\balter\s+column\s+\S+\s+(?:set\s+data\s+)?type\b/],
  ["forbids null in what there is", /\balter\s+column\s+\S+\s+set\s+not\s+null\b/],
  ["adds what an insert of the earlier version leaves out", /\badd\s+column\b(?![^;]*\bdefault\b)[^;]*\bnot\s+null\b/],
  [
    "adds a rule that an earlier version does not know",
    /\badd\s+constraint\b(?![^;]*\bnot\s+valid\b)[^;]*\b(?:check|unique)\b/,
  ],
  ["adds a rule that an earlier version does not know", /\bcreate\s+unique\s+index\b/],
];

/** What a migration takes from a version that does not know it. */
function faultsOf(migration: string): readonly string[] {
  if (isLate.test(migration)) return [];
  const created = new Set(
    [...migration.matchAll(/create table (?:if not exists )?"?(\w+)"?/gi)].map(([, name]) => name),
  );
  const statements = migration
    .replaceAll(/--.*$/gm, "")
    .split(";")
    .map((statement) => statement.toLowerCase())
    // A table that the migration makes itself is nobody's yet.
    .filter((statement) => ![...created].some((name) => new RegExp(`(?:table|on) "?${name}"?[ (]`).test(statement)));
  return takes.filter(([, pattern]) => statements.some((statement) => pattern.test(statement))).map(([what]) => what);
}

describe("a migration", () => {
  it("leaves the version before it what that works with", async () => {
    const files = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
    const faults: Record<string, readonly string[]> = {};
    for (const file of files.slice(first)) {
      const found = faultsOf(await readFile(join(folder, file), "utf8"));
      if (found.length > 0) faults[file] = found;
    }
    assert.deepStrictEqual(faults, {});
    // The rule would have stopped the one that was made before anybody could run two versions at once.
    assert.deepStrictEqual(faultsOf(await readFile(join(folder, files[2] ?? ""), "utf8")), [
      "drops",
      "adds a rule that an earlier version does not know",
    ]);
  });

  it("is judged by what its statements take, and not by what they add", () => {
    const judged = {
      'ALTER TABLE "keys" ADD COLUMN "note" text': [],
      "ALTER TABLE keys ADD COLUMN note text DEFAULT '' NOT NULL": [],
      'CREATE TABLE "notes" ("id" text NOT NULL); ALTER TABLE "notes" ADD CONSTRAINT "n" UNIQUE("id"); CREATE UNIQUE INDEX "u" ON "notes" ("id")':
        [],
      'ALTER TABLE "keys" ADD COLUMN "note" text NOT NULL': ["adds what an insert of the earlier version leaves out"],
      'ALTER TABLE "keys" RENAME COLUMN "name" TO "title"': ["renames"],
      'ALTER TABLE "keys" DROP COLUMN "name"': ["drops"],
      '-- unused since 0.2.0\nALTER TABLE "keys" DROP COLUMN "name"': [],
      'ALTER TABLE "keys" ALTER COLUMN "name" SET DATA TYPE varchar(5)': ["changes a type"],
      'ALTER TABLE "keys" ALTER COLUMN "name" SET NOT NULL': ["forbids null in what there is"],
      'CREATE UNIQUE INDEX "u" ON "keys" ("name")': ["adds a rule that an earlier version does not know"],
    };
    assert.deepStrictEqual(
      Object.fromEntries(Object.keys(judged).map((migration) => [migration, faultsOf(migration)])),
      judged,
    );
  });
});
