import assert from "node:assert/strict";

import { belongsToCompany, normaliseEmail } from "../../../functions/policy/email.ts";
import { readMark, upstreamName } from "../../../functions/policy/key-mark.ts";
import { nextReset } from "../../../functions/policy/next-reset.ts";
import { planFor, safePlan } from "../../../functions/policy/plan.ts";

describe("e-mail addresses", () => {
  it("have one form, and anything but plain ASCII is refused", () => {
    const cases: Readonly<Record<string, string | undefined>> = {
      "Ada@Example.com": "ada@example.com",
      "a.b+tag@example.com": "a.b+tag@example.com",
      "\u212Aate@example.com": undefined,
      "\uFF41da@example.com": undefined,
      "ada@example.com\u200b": undefined,
      "ada@example.com\n": undefined,
      "ada@example.com,eve@evil.example": undefined,
      "ada@@example.com": undefined,
      "ada @example.com": undefined,
      "@example.com": undefined,
      "ada@": undefined,
      [`${"a".repeat(250)}@b.co`]: undefined,
    };
    assert.deepStrictEqual(
      Object.fromEntries(Object.keys(cases).map((email) => [email, normaliseEmail(email)])),
      cases,
    );
  });

  it("belong to the company by what the issuer vouches for", () => {
    const issuer = "https://issuer.example";
    const google = "https://accounts.google.com";
    const ada = { issuer, email: "ada@example.com", emailVerified: true, hostedDomain: undefined };
    assert.deepStrictEqual(
      {
        verified: belongsToCompany(["example.com"], ada),
        unverified: belongsToCompany(["example.com"], { ...ada, emailVerified: false }),
        otherDomain: belongsToCompany(["example.com"], { ...ada, email: "ada@notexample.com" }),
        subdomain: belongsToCompany(["example.com"], { ...ada, email: "ada@evil.example.com" }),
        otherHostedDomain: belongsToCompany(["example.com"], { ...ada, hostedDomain: "evil.example" }),
        consumerAtGoogle: belongsToCompany(["example.com"], { ...ada, issuer: google }),
        workspaceAtGoogle: belongsToCompany(["example.com"], { ...ada, issuer: google, hostedDomain: "Example.com" }),
      },
      {
        verified: true,
        unverified: false,
        otherDomain: false,
        subdomain: false,
        otherHostedDomain: false,
        consumerAtGoogle: false,
        workspaceAtGoogle: true,
      },
    );
  });
});

describe("plans", () => {
  it("match by e-mail, domain or group, and the first match wins", () => {
    const plans = [
      { ...safePlan, maxKeys: 1, match: { emails: ["ada@example.com"] } },
      { ...safePlan, maxKeys: 2, match: { groups: ["research"] } },
      { ...safePlan, maxKeys: 3, match: { domains: ["example.com"] } },
    ];
    const subjects = [
      { email: "ada@example.com", groups: ["research"] },
      { email: "grace@example.com", groups: ["research"] },
      { email: "linus@example.com", groups: [] },
      { email: "eve@sub.example.com", groups: [] },
    ];
    assert.deepStrictEqual(
      subjects.map((subject) => planFor(plans, subject)?.maxKeys),
      [1, 2, 3, undefined],
    );
  });
});

describe("marks", () => {
  it("are read back from a key's upstream name, whatever the person called the key", () => {
    const mark = { deployment: "0a1b2c3d", keyId: "8c5b1d3e-0000-4000-8000-0123456789ab", attempt: 12 };
    const names = ["laptop", "💻", "[ork-ffffffff-00000000000000000000000000000000-1]", "a] [b"];
    assert.deepStrictEqual(
      names.map((name) => readMark(upstreamName(name, "ada@example.com", mark))),
      names.map(() => mark),
    );
  });

  it("are not seen in names that no function gave", () => {
    const names = [
      "laptop",
      "",
      "[ork-0a1b2c3d-8c5b-1]",
      "x [ork-0a1b2c3d-8c5b1d3e000040008000012345678 9ab-1]",
      "[ork-0a1b2c3d-8c5b1d3e00004000800001234567 89ab-0]",
    ];
    assert.deepStrictEqual(
      names.map(readMark),
      names.map(() => undefined),
    );
  });
});

describe("resets", () => {
  it("fall on midnight UTC, Mondays and firsts of months", () => {
    const at = (now: string) =>
      (["daily", "weekly", "monthly"] as const).map((reset) =>
        new Date(nextReset(reset, Date.parse(now))).toISOString().slice(0, 16),
      );
    assert.deepStrictEqual(
      [
        at("2026-11-24T03:00:00Z"),
        at("2026-11-30T00:00:00Z"),
        at("2026-12-31T23:59:59.999Z"),
        at("2028-02-28T12:00:00Z"),
      ],
      [
        ["2026-11-25T00:00", "2026-11-30T00:00", "2026-12-01T00:00"],
        ["2026-12-01T00:00", "2026-12-07T00:00", "2026-12-01T00:00"],
        ["2027-01-01T00:00", "2027-01-04T00:00", "2027-01-01T00:00"],
        ["2028-02-29T00:00", "2028-03-06T00:00", "2028-03-01T00:00"],
      ],
    );
  });
});
