import assert from "node:assert/strict";

import { keySection, recordSection } from "../../../extension/admin/list-rows.ts";
import { createPages } from "../../../extension/admin/pages.ts";
import { createViewMemory } from "../../../extension/admin/view-memory.ts";
import { FunctionError } from "../../../extension/account/function-error.ts";
import { withAccess } from "../../../extension/ui/with-access.ts";
import type { AdminKey, AuditRecord } from "../../../functions/contract/admin.ts";
import type { AuditVerb } from "../../../functions/services/audit.ts";
import { createEditor, settled } from "../support/editor.ts";
import { builtKey } from "../support/fake-function.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const all = 100_000;
const perPage = 200;

function keyAt(index: number): AdminKey {
  const { secret: _secret, ...key } = builtKey({ id: `key-${index}`, name: `laptop ${index}` });
  return { ...key, owner: { id: `owner-${index}`, label: `person-${index}@example.test` } };
}

async function createHarness(options: { readonly signsIn?: boolean } = {}) {
  const editor = await createEditor(options);
  const reads: (string | undefined)[] = [];
  const faults: FunctionError[] = [];
  let beforeAnswer = async (): Promise<void> => {};
  const pages = createPages<AdminKey>({
    what: "The keys",
    read: async (_access, cursor) => {
      reads.push(cursor);
      const begin = Number(cursor ?? 0);
      await beforeAnswer();
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      const items = Array.from({ length: Math.min(perPage, all - begin) }, (_, index) => keyAt(begin + index));
      return { items, nextCursor: begin + perPage < all ? String(begin + perPage) : null, total: all };
    },
    existing: editor.accessToken.existing,
    withAccess: (work) => withAccess(editor, work),
    log: editor.log,
  });
  const seen = (): readonly [string, number] => [pages.current.kind, pages.current.items.length];
  const rows = () => {
    const section = keySection(pages.current, {});
    return [section.description, section.children().at(-1)?.label, section.children().at(-1)?.description];
  };
  return { editor, pages, reads, faults, seen, rows, before: (work: typeof beforeAnswer) => (beforeAnswer = work) };
}

describe("a list of a hundred thousand keys", () => {
  it("is read when somebody wants to see it, once, and page by page from then on", async () => {
    const { pages, reads, seen, rows } = await createHarness();
    const untouched = seen();
    await Promise.all([pages.open(), pages.open()]);
    const first = rows();
    await pages.showMore();
    await pages.showMore();
    assert.deepEqual(
      [untouched, first, rows(), reads],
      [
        ["idle", 0],
        ["200 of 100,000", "Show More", "99,800 are left"],
        ["600 of 100,000", "Show More", "99,400 are left"],
        [undefined, "200", "400"],
      ],
    );
  });

  it("does not jump: a refresh brings as much as was in sight, and a change stays where it is", async () => {
    const { pages, seen } = await createHarness();
    await pages.open();
    await pages.showMore();
    const sizes: number[] = [];
    pages.onDidChange(({ items }) => sizes.push(items.length));
    await pages.show();
    pages.change(
      (keys) => keys.map((key) => (key.id === "key-3" ? { ...key, state: "disabled" as const } : key)),
      (total) => total,
    );
    assert.deepEqual(
      [seen(), new Set(sizes), pages.current.items[3]?.state],
      [["ready", 400], new Set([400]), "disabled"],
    );
  });

  it("keeps what was read when more of it cannot be had, and says why", async () => {
    const { pages, faults, rows, seen } = await createHarness();
    await pages.open();
    faults.push(new FunctionError("The database is away.", { code: "database_unavailable" }));
    await pages.showMore();
    const failed = rows();
    await pages.show();
    assert.deepEqual(
      [failed, seen()],
      [
        ["200 of 100,000", "Try Again", "The database is away."],
        ["ready", 200],
      ],
    );
  });

  it("never signs in by itself, and does when a person wants to look", async () => {
    const { pages, faults, rows, editor, seen } = await createHarness();
    const tooOld = (): FunctionError => new FunctionError("Sign in again.", { code: "reauth_required", status: 401 });
    faults.push(tooOld(), tooOld());
    await pages.open();
    const byItself = [rows()[1], ...editor.asked];
    await pages.show();
    assert.deepEqual([byItself, editor.asked, seen()], [["Sign In Again"], ["fresh"], ["ready", 200]]);
  });

  it("drops the answer to another search, and everything with the sign-out", async () => {
    const { pages, before, seen } = await createHarness();
    let go: () => void = () => {};
    before(() => new Promise((resolve) => (go = resolve)));
    const slow = pages.open();
    await settled();
    before(async () => {});
    const other = pages.restart();
    go();
    await Promise.all([slow, other]);
    const found = seen();
    pages.clear();
    assert.deepEqual(
      [found, seen()],
      [
        ["ready", 200],
        ["idle", 0],
      ],
    );
  });
});

describe("the record", () => {
  const shown = (...items: readonly AuditRecord[]) =>
    recordSection(
      { kind: "ready", items, next: undefined, total: undefined, message: undefined },
      Date.parse("2026-11-24T10:00:00Z"),
    ).children();
  const entry = (id: string, facts: Partial<AuditRecord>): AuditRecord => ({
    id,
    at: "2026-11-24T09:55:00.000Z",
    actor: { kind: "owner", id: "owner-1", label: "grace@example.test" },
    verb: "key.create",
    targetId: "key-1",
    owner: { id: "owner-1", label: "grace@example.test" },
    before: null,
    after: { limitUsd: 25 },
    requestId: null,
    ...facts,
  });

  it("says who did what to whom, in words", () => {
    const rows = shown(
      entry("3", { verb: "key.change", actor: { kind: "admin", id: "owner-2", label: "ada@example.test" } }),
      entry("2", { verb: "raise.end", actor: { kind: "system", id: null, label: "clock" } }),
      entry("1", { verb: "thing.new\u202e" }),
      entry("0", { verb: "key.change", after: { disabled: true } }),
    );
    assert.deepEqual(
      rows.map(({ label, description, icon }) => [label, description, icon]),
      [
        ["ada@example.test changed a key", "grace@example.test · 5 minutes ago", "shield"],
        ["The function ended a raise", "grace@example.test · 5 minutes ago", "server-process"],
        ["grace@example.test thing.new", "5 minutes ago", "person"],
        ["grace@example.test disabled a key", "5 minutes ago", "person"],
      ],
    );
  });

  it("has words for everything that the function writes into it", () => {
    const verbs: Readonly<Record<AuditVerb, true>> = {
      "key.create": true,
      "key.rotate": true,
      "key.change": true,
      "key.limit": true,
      "key.delete": true,
      "key.retire": true,
      "key.expire": true,
      "key.vanish": true,
      "key.revoke": true,
      "key.revoked": true,
      "key.erase": true,
      "key.repair": true,
      "person.block": true,
      "person.return": true,
      "run.approve": true,
      "raise.ask": true,
      "raise.approve": true,
      "raise.refuse": true,
      "raise.end": true,
      "identity.conflict": true,
      "identity.merge": true,
      "identity.refuse": true,
      "identity.separate": true,
    };
    const rows = shown(...Object.keys(verbs).map((verb) => entry(verb, { verb })));
    assert.deepEqual(
      rows.filter(({ label }) => /\w\.\w+$/.test(label)).map(({ label }) => label),
      [],
    );
  });
});

describe("how the administrators' view was left", () => {
  it("outlives a restart: search, folds and selection, and survives what cannot be read", async () => {
    const kept = new Map<string, string>();
    const memory = {
      get: (key: string) => kept.get(key),
      update: async (key: string, value: string) => void kept.set(key, value),
    };
    const before = createViewMemory(memory, createRecordingLog());
    before.filter.set({ q: "grace", state: "disabled" });
    before.folds.set("keys", true);
    before.folds.set("runs", false);
    before.selected.set("keys/key-1");
    for (let index = 0; index < 150; index += 1) before.folds.set(`runs/${index}`, true);
    before.folds.set("keys", true);
    const after = createViewMemory(memory, createRecordingLog());
    kept.set("admin.view", "{broken");
    const fresh = createViewMemory(memory, createRecordingLog());
    assert.deepEqual(
      [
        after.filter.get(),
        after.folds.get("keys"),
        after.folds.get("runs"),
        after.selected.get(),
        fresh.filter.get(),
        fresh.folds.get("keys"),
      ],
      [{ q: "grace", state: "disabled" }, true, undefined, "keys/key-1", {}, undefined],
    );
  });
});
