import assert from "node:assert/strict";

import type { PersonFacts } from "../../../functions/policy/admission.ts";
import { judgePerson } from "../../../functions/policy/admission.ts";
import { normaliseEmail } from "../../../functions/policy/email.ts";
import { entraTenant, kindOfIssuer } from "../../../functions/policy/issuer-kind.ts";
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
});

describe("who is of the company", () => {
  const strict = { allowedDomains: ["example.com"], requireEmailVerified: true, allowGuests: false };
  const lenient = { ...strict, requireEmailVerified: false };
  const ada: PersonFacts = {
    provider: "other",
    email: "Ada@Example.com",
    emailVerified: true,
    hostedDomain: undefined,
    isGuest: false,
  };
  const silent = { ...ada, emailVerified: undefined };
  const cases: Readonly<Record<string, readonly [PersonFacts, typeof strict, string]>> = {
    "a verified address of an allowed domain": [ada, strict, "admitted"],
    "no address": [{ ...ada, email: undefined }, strict, "no-email"],
    "an address with the Kelvin sign": [{ ...ada, email: "\u212Aate@example.com" }, strict, "no-email"],
    "an unverified address": [{ ...ada, emailVerified: false }, lenient, "unverified"],
    "an address that nobody vouches for": [silent, strict, "unverified"],
    "the same where the company says so": [silent, lenient, "admitted"],
    "Okta's silence where the company says so": [{ ...silent, provider: "okta" }, lenient, "admitted"],
    "Google's silence, whatever the company says": [
      { ...silent, provider: "google", hostedDomain: "example.com" },
      lenient,
      "unverified",
    ],
    "Entra's silence, whatever the company says": [{ ...silent, provider: "entra" }, lenient, "unverified"],
    "another domain": [{ ...ada, email: "ada@notexample.com" }, strict, "elsewhere"],
    "a subdomain": [{ ...ada, email: "ada@evil.example.com" }, strict, "elsewhere"],
    "a company's address owned by another domain": [{ ...ada, hostedDomain: "evil.example" }, strict, "elsewhere"],
    "a consumer account at Google on a company's address": [{ ...ada, provider: "google" }, strict, "elsewhere"],
    "a Workspace account": [{ ...ada, provider: "google", hostedDomain: "Example.com" }, strict, "admitted"],
    "an alias domain of a Workspace account": [
      { ...ada, provider: "google", email: "ada@example.net", hostedDomain: "example.com" },
      strict,
      "admitted",
    ],
    "a guest": [{ ...ada, provider: "entra", isGuest: true }, strict, "guest"],
    "a guest where guests are allowed": [
      { ...ada, provider: "entra", isGuest: true },
      { ...strict, allowGuests: true },
      "admitted",
    ],
  };
  for (const [name, [facts, rules, expected]] of Object.entries(cases)) {
    it(`${name}: ${expected}`, () => {
      const admission = judgePerson(facts, rules);
      assert.equal(admission.kind === "admitted" ? "admitted" : admission.why, expected);
    });
  }
});

describe("issuers", () => {
  it("are known by their address, and a likeness is not enough", () => {
    const tenant = "11111111-2222-4333-8444-555555555555";
    const addresses = [
      "https://accounts.google.com",
      "https://accounts.google.com.evil.example",
      `https://login.microsoftonline.com/${tenant}/v2.0`,
      "https://dev-1.okta.com/oauth2/default",
      "https://okta.com.evil.example",
      "https://keycloak.example.com/realms/staff",
      "https://example.eu.auth0.com/",
    ];
    assert.deepStrictEqual(addresses.map(kindOfIssuer), [
      "google",
      "other",
      "entra",
      "okta",
      "other",
      "other",
      "other",
    ]);
  });

  it("of Entra speak for one tenant or are refused", () => {
    const base = "https://login.microsoftonline.com";
    const tenant = "11111111-2222-4333-8444-555555555555";
    const addresses = [
      `${base}/${tenant}/v2.0`,
      `${base}/common/v2.0`,
      `${base}/organizations/v2.0`,
      `${base}/consumers/v2.0`,
      `${base}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0`,
      `${base}/${tenant}`,
    ];
    assert.deepStrictEqual(addresses.map(entraTenant), [tenant, undefined, undefined, undefined, undefined, undefined]);
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
