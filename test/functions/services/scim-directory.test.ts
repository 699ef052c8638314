import assert from "node:assert/strict";

import { readUser } from "../../../functions/policy/scim-user.ts";
import type { DirectoryPerson } from "../../../functions/services/directory.ts";
import { createScimDirectory } from "../../../functions/services/scim-directory.ts";
import { createMemoryScimStore } from "../../support/memory-scim-store.ts";
import { pagesOf, runOnce } from "../adapters/directory/rounds.ts";

function createHarness() {
  const store = createMemoryScimStore();
  async function push(number: number, fields: Readonly<Record<string, unknown>>): Promise<void> {
    const id = `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
    const before = await store.find(id);
    const user = readUser({ userName: `p${number}@example.com`, ...fields });
    const record = { id, user, version: (before?.version ?? 0) + 1, createdAt: 0, changedAt: 0 };
    await (before === undefined ? store.add(record) : store.save(record));
  }
  const directory = createScimDirectory(store);
  return { push, directory, check: (people: readonly DirectoryPerson[]) => runOnce(directory, pagesOf(people, 2)) };
}

function person(number: number, subject?: string): DirectoryPerson {
  return { personId: `person-${number}`, subject, email: `p${number}@example.com`, wasSeen: false, wasActive: false };
}

describe("what was pushed over SCIM, as a source", () => {
  it("says who is active and who is not, by external id or by address, and knows nothing of the others", async () => {
    const { push, check } = createHarness();
    await push(1, { active: true });
    await push(2, { active: false });
    await push(3, { userName: "married@example.com", externalId: "00u3", active: false });
    await push(4, { userName: "x@example.com", emails: ["P4@example.com"], active: true });
    await push(5, {});
    const { states, ended } = await check([person(1), person(2), person(3, "00u3"), person(4), person(5), person(6)]);
    assert.deepStrictEqual(
      [states, ended],
      [
        {
          "person-1": "active",
          "person-2": "inactive",
          "person-3": "inactive",
          "person-4": "active",
          "person-5": "unknown",
          "person-6": "unknown",
        },
        true,
      ],
    );
  });

  it("does not guess between two accounts", async () => {
    const { push, check } = createHarness();
    await push(1, { active: false });
    await push(2, { emails: ["p1@example.com"], active: true });
    const { states, sentences } = await check([person(1)]);
    assert.deepStrictEqual(
      [states, sentences],
      [{ "person-1": "unknown" }, ["Several accounts provisioned over SCIM could be this person's."]],
    );
  });

  it("says nothing of a leaver once somebody else has their account, and follows a person who is renamed", async () => {
    const { push, check } = createHarness();
    await push(1, { externalId: "A", active: true });
    await push(2, { externalId: "B", active: true });
    const { subjects } = await check([person(1), person(2)]);
    await push(1, { externalId: "C", active: true });
    await push(2, { externalId: "B", userName: "new@example.com", active: false });
    const known = [1, 2].map((number) => person(number, subjects[`person-${number}`]));
    const { states, sentences } = await check(known);
    assert.deepStrictEqual(
      [states, sentences],
      [
        { "person-1": "unknown", "person-2": "inactive" },
        [
          "The account provisioned over SCIM now belongs to somebody else.",
          "The identity provider deactivated the account over SCIM.",
        ],
      ],
    );
  });

  it("answers for one person at once, for a grant", async () => {
    const { push, directory } = createHarness();
    await push(1, { active: true });
    const { signal } = new AbortController();
    const answers = await Promise.all([1, 2].map((number) => directory.ask(person(number), signal)));
    assert.deepStrictEqual(
      answers.map(({ finding, isProven }) => [finding.state, isProven]),
      [
        ["active", true],
        ["unknown", true],
      ],
    );
  });
});
