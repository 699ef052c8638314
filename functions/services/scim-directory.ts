import { readScimUser, unknown } from "../policy/evidence.ts";
import { addressesOf } from "../policy/scim-user.ts";
import type { DirectoryAnswer, DirectoryPerson, DirectorySource } from "./directory.ts";
import type { ScimRecord, ScimStore } from "./scim-store.ts";

const pinPattern = /^scim ([0-9a-f-]{36}) (.*)$/s;

/**
 * What was pushed over SCIM, as a source. A person is found by the external id, which some providers make the same as
 * the subject of a sign-in, else by address; from then on by the record that was found, together with its external id:
 * when a provider hands the record to somebody else, it says nothing about the first any more.
 */
export function createScimDirectory(store: ScimStore): DirectorySource {
  async function answerAll(people: readonly DirectoryPerson[]): Promise<readonly DirectoryAnswer[]> {
    const pins = people.flatMap(({ subject }) => readPin(subject)?.id ?? []);
    const records = await store.match({
      ids: pins,
      externalIds: people.flatMap(({ subject }) => subject ?? []),
      addresses: people.map(({ email }) => email),
    });
    const byId = new Map(records.map((record) => [record.id, record]));
    const byExternalId = groupBy(records, ({ user }) => [user.externalId]);
    const byAddress = groupBy(records, ({ user }) => addressesOf(user));
    return people.map((person) => {
      const { personId, subject, email } = person;
      const pin = readPin(subject);
      if (pin !== undefined) return answerOf(personId, byId.get(pin.id), pin.externalId);
      const own = subject === undefined ? undefined : byExternalId.get(subject);
      const found = own ?? byAddress.get(email) ?? [];
      if (found.length > 1) {
        const finding = unknown("Several accounts provisioned over SCIM could be this person's.", true);
        return { personId, finding, isProven: true };
      }
      return answerOf(personId, found[0], found[0]?.user.externalId ?? "");
    });
  }

  return {
    name: "SCIM",
    async ask(person) {
      const [answer] = await answerAll([person]);
      return answer ?? answerOf(person.personId, undefined, "");
    },
    async *check(people, _memory, signal) {
      for await (const page of people) {
        if (signal.aborted) return;
        yield { kind: "answers", answers: await answerAll(page) };
      }
      if (!signal.aborted) yield { kind: "end", memory: undefined };
    },
  };
}

function answerOf(personId: string, record: ScimRecord | undefined, externalId: string): DirectoryAnswer {
  if (record === undefined) return { personId, finding: readScimUser(undefined), isProven: true };
  if ((record.user.externalId ?? "") !== externalId) {
    const finding = unknown("The account provisioned over SCIM now belongs to somebody else.", true);
    return { personId, finding, isProven: true };
  }
  return { personId, finding: readScimUser(record.user), isProven: true, subject: `scim ${record.id} ${externalId}` };
}

function readPin(subject: string | undefined): { readonly id: string; readonly externalId: string } | undefined {
  const [, id, externalId] = pinPattern.exec(subject ?? "") ?? [];
  return id === undefined || externalId === undefined ? undefined : { id, externalId };
}

function groupBy(
  records: readonly ScimRecord[],
  namesOf: (record: ScimRecord) => readonly (string | undefined)[],
): ReadonlyMap<string, readonly ScimRecord[]> {
  const groups = new Map<string, ScimRecord[]>();
  for (const record of records) {
    for (const name of new Set(namesOf(record))) {
      if (name === undefined) continue;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [record]);
      else group.push(record);
    }
  }
  return groups;
}
