import assert from "node:assert/strict";

import { readFilter } from "../../../functions/policy/scim-filter.ts";
import { matchesQuery, readPage, readQuery } from "../../../functions/policy/scim-query.ts";
import { ScimFault, applyPatch, patchSchema, readUser, userSchema } from "../../../functions/policy/scim-user.ts";

function faultOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof ScimFault)) throw error;
    return error.scimType;
  }
}

const ada = readUser({
  schemas: [userSchema, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
  userName: "ada@example.com",
  externalId: "00u1",
  active: true,
  name: { givenName: "Ada", familyName: "Lovelace" },
  emails: [
    { value: "ada@example.com", type: "work", primary: true },
    { value: "ada@home.example", type: "home" },
  ],
});

const patch = (...operations: readonly unknown[]) =>
  applyPatch(ada, { schemas: [patchSchema], Operations: operations });

describe("SCIM users", () => {
  it("are read as Okta and Entra send them, and what is of no use here is left", () => {
    assert.deepStrictEqual(
      readUser({
        schemas: [userSchema],
        userName: "grace@example.com",
        name: { givenName: "Grace", familyName: "Hopper", formatted: "Grace Hopper" },
        emails: [{ primary: "True", value: "grace@example.com", type: "work", display: "grace" }],
        displayName: "Grace Hopper",
        locale: "en-US",
        externalId: null,
        groups: [],
        password: "planted",
        active: "True",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { department: "Navy" },
      }),
      {
        userName: "grace@example.com",
        externalId: undefined,
        active: true,
        displayName: "Grace Hopper",
        givenName: "Grace",
        familyName: "Hopper",
        emails: [{ value: "grace@example.com", type: "work", primary: true }],
      },
    );
  });

  it("take nothing for active but true and false", () => {
    const odd = ["no", "0", "1", "", " false", "False ", "FALSE\n", 0, 1, null, [], [false], {}, { value: false }];
    for (const value of odd) {
      assert.equal(
        faultOf(() => readUser({ userName: "a", active: value })),
        "invalidValue",
        JSON.stringify(value),
      );
      for (const path of ["active", "Active", `${userSchema}:active`]) {
        assert.equal(
          faultOf(() => patch({ op: "replace", path, value })),
          "invalidValue",
          JSON.stringify(value),
        );
      }
      assert.equal(
        faultOf(() => patch({ op: "replace", value: { active: value } })),
        "invalidValue",
      );
    }
    assert.equal(
      faultOf(() => patch({ op: "replace", path: "active" })),
      "invalidValue",
    );
  });

  const leavings: readonly unknown[] = [
    { op: "replace", value: { active: false } },
    { op: "Replace", value: { active: "False" } },
    { op: "REPLACE", path: "active", value: "false" },
    { op: "add", path: "active", value: false },
    { op: "Add", path: "ACTIVE", value: "FALSE" },
    { op: "replace", path: `${userSchema}:active`, value: false },
    { op: "replace", path: userSchema.toUpperCase().concat(":Active"), value: "False" },
    { op: "replace", path: "", value: { Active: false } },
    { op: "replace", path: null, value: { [`${userSchema}:active`]: false } },
    { OP: "replace", Path: "active", Value: false },
  ];
  for (const operation of leavings) {
    it(`deactivate by ${JSON.stringify(operation)}`, () => assert.equal(patch(operation).active, false));
  }

  it("are changed by Entra's and Okta's operations on everything else", () => {
    const changed = patch(
      { op: "Replace", path: "userName", value: "ada.l@example.com" },
      { op: "Add", path: "externalId", value: "oid-1" },
      { op: "Replace", path: "displayName", value: "Ada L" },
      { op: "Replace", path: 'emails[type eq "work"].value', value: "ada.l@example.com" },
      { op: "Replace", value: { "name.familyName": "King", name: { givenName: "Augusta" } } },
      { op: "Add", path: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", value: "x" },
      { op: "Add", path: 'phoneNumbers[type eq "mobile"].value', value: "1" },
      { op: "Replace", path: "title", value: "Countess" },
    );
    assert.deepStrictEqual(changed, {
      userName: "ada.l@example.com",
      externalId: "oid-1",
      active: true,
      displayName: "Ada L",
      givenName: "Augusta",
      familyName: "King",
      emails: [
        { value: "ada.l@example.com", type: "work", primary: true },
        { value: "ada@home.example", type: "home", primary: false },
      ],
    });
  });

  it("keep several e-mails apart", () => {
    const addresses = (...operations: readonly unknown[]) => patch(...operations).emails.map(({ value }) => value);
    assert.deepStrictEqual(
      {
        removedByFilter: addresses({ op: "remove", path: 'emails[type eq "home"]' }),
        removedByValue: addresses({ op: "Remove", path: "emails", value: [{ value: "ada@home.example" }] }),
        removedAll: addresses({ op: "remove", path: "emails" }),
        replaced: addresses({ op: "replace", path: "emails", value: [{ value: "x@example.com" }] }),
        added: addresses({ op: "add", path: "emails", value: [{ value: "x@example.com", type: "other" }] }),
        addedAgain: addresses({ op: "add", path: "emails", value: { value: "ADA@example.com", type: "work" } }),
        filled: addresses({ op: "Replace", path: 'emails[type eq "other"].value', value: "o@example.com" }),
        primary: addresses({ op: "replace", path: "emails[primary eq true].value", value: "p@example.com" }),
      },
      {
        removedByFilter: ["ada@example.com"],
        removedByValue: ["ada@example.com"],
        removedAll: [],
        replaced: ["x@example.com"],
        added: ["ada@example.com", "ada@home.example", "x@example.com"],
        addedAgain: ["ada@home.example", "ADA@example.com"],
        filled: ["ada@example.com", "ada@home.example", "o@example.com"],
        primary: ["p@example.com", "ada@home.example"],
      },
    );
  });

  it("change by all operations of a request or by none", () => {
    const operations = [
      { op: "replace", path: "displayName", value: "X" },
      { op: "replace", path: "active", value: "maybe" },
    ];
    assert.equal(
      faultOf(() => patch(...operations)),
      "invalidValue",
    );
    assert.equal(ada.displayName, undefined);
  });

  it("stay as they are about active when a PUT leaves it out", () => {
    const put = { userName: "ada@example.com", displayName: "Ada" };
    assert.deepStrictEqual(
      [true, false, undefined].map((active) => readUser(put, { ...ada, active }).active),
      [true, false, undefined],
    );
    assert.deepStrictEqual(readUser(put, ada).emails, []);
  });

  it("refuse what is no SCIM", () => {
    const refused: readonly (readonly [unknown, string])[] = [
      [{ op: "move", path: "active", value: true }, "invalidSyntax"],
      [{ path: "active", value: true }, "invalidSyntax"],
      [{ op: "remove" }, "noTarget"],
      [{ op: "remove", path: "userName" }, "invalidValue"],
      [{ op: "replace", path: "userName", value: "" }, "invalidValue"],
      [{ op: "replace", path: "active eq true", value: true }, "invalidPath"],
      [{ op: "replace", path: 'emails[type gt "work"].value', value: "x" }, "invalidPath"],
      [{ op: "replace", path: "emails[type].value", value: "x" }, "invalidPath"],
      [{ op: "replace", path: 7, value: true }, "invalidPath"],
      [{ op: "replace", value: true }, "invalidSyntax"],
      [{ op: "replace", value: [{ active: false }] }, "invalidSyntax"],
      [{ op: "replace", value: { active: false, Active: true } }, "invalidSyntax"],
      [{ op: "replace", path: "displayName", value: "x".repeat(257) }, "invalidValue"],
      ["replace", "invalidSyntax"],
    ];
    assert.deepStrictEqual(
      refused.map(([operation]) => faultOf(() => patch(operation))),
      refused.map(([, scimType]) => scimType),
    );
    assert.deepStrictEqual(
      [
        faultOf(() => readUser({ active: true })),
        faultOf(() => readUser(null)),
        faultOf(() => readUser([])),
        faultOf(() => readUser({ schemas: ["urn:other"], userName: "a" })),
        faultOf(() => readUser({ userName: "a", emails: Array.from({ length: 21 }, (_, i) => `${i}@x.y`) })),
        faultOf(() => applyPatch(ada, { schemas: [userSchema], Operations: [{ op: "remove", path: "title" }] })),
        faultOf(() => applyPatch(ada, { Operations: [] })),
        faultOf(() =>
          applyPatch(ada, { Operations: Array.from({ length: 101 }, () => ({ op: "remove", path: "title" })) }),
        ),
      ],
      [
        "invalidValue",
        "invalidSyntax",
        "invalidSyntax",
        "invalidSyntax",
        "invalidValue",
        "invalidSyntax",
        "invalidSyntax",
        "invalidSyntax",
      ],
    );
  });

  it("never read a name as anything but a field", () => {
    const read = (text: string) => readUser(JSON.parse(text)).active;
    assert.equal(read('{"userName":"a","constructor":{"active":true}}'), undefined);
    assert.equal(
      faultOf(() => read('{"userName":"a","__proto__":{"active":true}}')),
      "invalidPath",
    );
  });
});

describe("SCIM filters", () => {
  it("are comparisons for equality, joined by and", () => {
    assert.deepStrictEqual(
      [
        readFilter('userName eq "Ada@Example.com"'),
        readFilter('USERNAME EQ "a\\"b\\u0041"'),
        readFilter('  externalId eq "1" AND active eq TRUE '),
        readFilter(`${userSchema}:userName eq "a" and emails[type eq "work"].value eq "b"`),
      ],
      [
        [{ attribute: "username", value: "Ada@Example.com" }],
        [{ attribute: "username", value: 'a"bA' }],
        [
          { attribute: "externalid", value: "1" },
          { attribute: "active", value: true },
        ],
        [
          { attribute: "username", value: "a" },
          { attribute: 'emails[type eq "work"].value', value: "b" },
        ],
      ],
    );
  });

  const refused = [
    "",
    "userName",
    "userName eq ada",
    'userName eq "a',
    'userName eq "a" or userName eq "b"',
    'userName sw "a"',
    'userName eq "a" and',
    'userName eq "a" active eq true',
    'not (userName eq "a")',
    '(userName eq "a")',
    'userName eq "a\nb"',
    `userName eq "${"a".repeat(1_000)}"`,
    'password eq "a"',
    'active eq "true"',
    "userName eq true",
    'userName eq "a" and userName eq "b"',
  ];
  for (const filter of refused) {
    it(`refuse ${filter.slice(0, 60)}`, () =>
      assert.equal(
        faultOf(() => readQuery(filter)),
        "invalidFilter",
      ));
  }

  it("compare user names without regard to case, and external ids with it", () => {
    const is = (filter: string) => matchesQuery(readQuery(filter), "id-1", ada);
    assert.deepStrictEqual(
      {
        userName: is('userName eq "ADA@example.com"'),
        externalId: is('externalId eq "00u1"'),
        otherCase: is('externalId eq "00U1"'),
        both: is('userName eq "ada@example.com" and externalId eq "00u1"'),
        one: is('userName eq "ada@example.com" and externalId eq "00u2"'),
        id: is('id eq "id-1"'),
        email: is('emails.value eq "Ada@Home.example"'),
        active: is("active eq true"),
        inactive: is("active eq false"),
      },
      {
        userName: true,
        externalId: true,
        otherCase: false,
        both: true,
        one: false,
        id: true,
        email: true,
        active: true,
        inactive: false,
      },
    );
  });

  it("are read a page at a time", () => {
    assert.deepStrictEqual(
      [readPage(undefined, undefined), readPage("0", "-1"), readPage("-5", "1000"), readPage("101", "0")],
      [
        { startIndex: 1, count: 100 },
        { startIndex: 1, count: 0 },
        { startIndex: 1, count: 200 },
        { startIndex: 101, count: 0 },
      ],
    );
    assert.deepStrictEqual(
      ["x", "1.5", "", "1e3"].map((text) => faultOf(() => readPage(text, undefined))),
      Array(4).fill("invalidValue"),
    );
  });
});
