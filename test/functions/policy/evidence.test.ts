import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import * as z from "zod/mini";

import {
  combineFindings,
  isGoogleDeleted,
  isGraphDeleted,
  looksActiveAtGoogle,
  looksActiveAtGraph,
  readGoogleUser,
  readGoogleUserByEmail,
  readGraphUser,
  readGraphUserByEmail,
  readScimUser,
  sourcesToAsk,
} from "../../../functions/policy/evidence.ts";
import type { DirectoryReply, Finding } from "../../../functions/policy/evidence.ts";
import { applyPatch, readUser } from "../../../functions/policy/scim-user.ts";

const Case = z.object({
  p: z.enum(["google", "graph", "okta", "github", "scim"]),
  n: z.string(),
  subject: z.optional(z.string()),
  status: z.optional(z.number()),
  body: z.optional(z.unknown()),
  net: z.optional(z.string()),
  tokenError: z.optional(z.string()),
  ops: z.optional(z.array(z.unknown())),
  canary: z.optional(z.boolean()),
  want: z.enum(["active", "inactive", "unknown"]),
});
const { cases } = z
  .object({ cases: z.array(Case) })
  .parse(JSON.parse(readFileSync(new URL("directory.json", import.meta.url), "utf8")));

function replyOf({ status, body, net, tokenError }: z.infer<typeof Case>): DirectoryReply {
  if (status === undefined) return { kind: "failed", reason: `${net ?? tokenError ?? ""}.` };
  // The adapters hand on what parsed as JSON; text is no JSON answer.
  return { kind: "answered", status, body: typeof body === "string" ? undefined : body };
}

describe("evidence of a directory", () => {
  for (const vector of cases) {
    const canary = vector.canary ?? true;
    const subject = vector.subject ?? "";
    const state = {
      google: () => readGoogleUser(replyOf(vector), subject, canary).state,
      graph: () => readGraphUser(replyOf(vector), subject, canary).state,
      scim: () => {
        const states = [true, false].map(
          (active) => readScimUser(applyPatch(readUser({ userName: "a", active }), { Operations: vector.ops })).state,
        );
        assert.equal(states[0], states[1]);
        return states[0];
      },
      // No source answers in these words: Okta pushes over SCIM, and GitHub says nothing about employment.
      okta: undefined,
      github: undefined,
    }[vector.p];
    if (state !== undefined) it(`${vector.p}: ${vector.n}`, () => assert.equal(state(), vector.want));
  }

  const answered = (status: number, body?: unknown): DirectoryReply => ({ kind: "answered", status, body });
  const user = { id: "101", primaryEmail: "a@corp.com", suspended: false, archived: false };
  const notFound = (message: string, reason = "notFound") =>
    answered(404, { error: { code: 404, message, errors: [{ domain: "global", reason, message }] } });
  const noSuchUser = notFound("Resource Not Found: userKey");

  const google: readonly (readonly [string, DirectoryReply, Finding["state"], boolean?])[] = [
    ["suspended", answered(200, { ...user, suspended: true }), "inactive"],
    ["archived", answered(200, { ...user, archived: true }), "inactive"],
    ["archived, suspended left out", answered(200, { id: "101", archived: true }), "inactive"],
    ["archived absent", answered(200, { id: "101", suspended: false }), "active"],
    ["a number for an id", answered(200, { ...user, id: 101 }), "unknown"],
    ["no id", answered(200, { suspended: true }), "unknown"],
    ["another id, active", answered(200, { ...user, id: "102" }), "unknown"],
    ["archived is a string", answered(200, { ...user, archived: "true" }), "unknown"],
    ["suspended is null", answered(200, { ...user, suspended: null }), "unknown"],
    ["suspended is 1", answered(200, { ...user, suspended: 1 }), "unknown"],
    ["suspended only inherited", answered(200, Object.create({ ...user, suspended: true })), "unknown"],
    ["a list", answered(200, [user]), "unknown"],
    ["null", answered(200, null), "unknown"],
    ["a string", answered(200, "suspended"), "unknown"],
    ["a user inside an envelope", answered(200, { user: { ...user, suspended: true } }), "unknown"],
    ["an error with status 200", answered(200, { error: { code: 404, errors: [{ reason: "notFound" }] } }), "unknown"],
    ["404 about the person", noSuchUser, "inactive"],
    ["404 about the person, canary not seen", noSuchUser, "unknown", false],
    ["404 about the domain", notFound("Domain not found."), "unknown"],
    ["404 naming no userKey", notFound("Not Found"), "unknown"],
    ["404 of another reason", notFound("Resource Not Found: userKey", "userNotFound"), "unknown"],
    ["404 that only looks alike", notFound("Resource Not Found: myuserKeyring"), "unknown"],
    ["404 html", answered(404), "unknown"],
    ["404 without a list of errors", answered(404, { error: { message: "Resource Not Found: userKey" } }), "unknown"],
    ["suspended, canary not seen", answered(200, { ...user, suspended: true }), "inactive", false],
    ["active, canary not seen", answered(200, user), "active", false],
    ["201", answered(201, user), "unknown"],
    ["204", answered(204), "unknown"],
    ["304", answered(304), "unknown"],
    ["401", answered(401, { error: { code: 401, message: "Invalid Credentials" } }), "unknown"],
    ["410", answered(410, { error: { errors: [{ reason: "deleted" }] } }), "unknown"],
    ["412", answered(412, { error: { errors: [{ reason: "conditionNotMet" }] } }), "unknown"],
    ["500", answered(500), "unknown"],
    ["no answer", { kind: "failed", reason: "No answer." }, "unknown"],
  ];
  for (const [name, reply, want, canary = true] of google) {
    it(`google, of its own: ${name}`, () => assert.equal(readGoogleUser(reply, "101", canary).state, want));
  }

  const gone = answered(404, {
    error: { code: "Request_ResourceNotFound", message: "Resource 'OID1' does not exist" },
  });
  const graph: readonly (readonly [string, DirectoryReply, Finding["state"], boolean?])[] = [
    ["enabled", answered(200, { id: "oid1", accountEnabled: true }), "active"],
    ["the id in the other case", answered(200, { id: "OID1", accountEnabled: false }), "inactive"],
    ["null", answered(200, { id: "oid1", accountEnabled: null }), "unknown"],
    ["a string", answered(200, { id: "oid1", accountEnabled: "false" }), "unknown"],
    ["another id", answered(200, { id: "oid2", accountEnabled: false }), "unknown"],
    ["no id", answered(200, { accountEnabled: false }), "unknown"],
    ["removed, restorable", answered(200, { id: "oid1", "@removed": { reason: "changed" } }), "inactive"],
    ["removed for an odd reason", answered(200, { id: "oid1", "@removed": { reason: "moved" } }), "unknown"],
    ["removed is no object", answered(200, { id: "oid1", "@removed": true }), "unknown"],
    [
      "removed and enabled at once",
      answered(200, { id: "oid1", accountEnabled: true, "@removed": { reason: "deleted" } }),
      "unknown",
    ],
    ["404 about the person", gone, "inactive"],
    ["404 about the person, canary not seen", gone, "unknown", false],
    ["404 html", answered(404), "unknown"],
    ["disabled, canary not seen", answered(200, { id: "oid1", accountEnabled: false }), "inactive", false],
    ["403", answered(403, { error: { code: "Authorization_RequestDenied" } }), "unknown"],
    ["410", answered(410, { error: { code: "syncStateNotFound" } }), "unknown"],
    ["503", answered(503, { error: { code: "serviceNotAvailable" } }), "unknown"],
    ["html", answered(200), "unknown"],
    ["no answer", { kind: "failed", reason: "No answer." }, "unknown"],
  ];
  for (const [name, reply, want, canary = true] of graph) {
    it(`graph, of its own: ${name}`, () => assert.equal(readGraphUser(reply, "oid1", canary).state, want));
  }

  it("marks what is only absent, and what an administrator should look at", () => {
    const suspended = readGoogleUser(answered(200, { ...user, suspended: true }), "101", true);
    const absent = readGoogleUser(noSuchUser, "101", true);
    const recycled = readGoogleUser(answered(200, { ...user, id: "9" }), "101", true);
    const busy = readGoogleUser(answered(429), "101", true);
    assert.deepStrictEqual(
      [
        suspended.state === "inactive" && suspended.isAbsence,
        absent.state === "inactive" && absent.isAbsence,
        recycled.state === "unknown" && recycled.isAlarming,
        busy.state === "unknown" && busy.isAlarming,
        readGraphUser(gone, "oid1", true),
      ],
      [
        false,
        true,
        true,
        false,
        { state: "inactive", evidence: "Microsoft Entra has no account with this id.", isAbsence: true },
      ],
    );
  });

  it("repeats of an error no more than the provider's own word for it", () => {
    const reasons = [
      readGoogleUser(answered(403, { error: { errors: [{ reason: "quotaExceeded" }] } }), "101", true),
      readGoogleUser(answered(403, { error: { errors: [{ reason: "token ya29.secret" }] } }), "101", true),
      readGraphUser(answered(403, { error: { code: "Bearer-eyJ" } }), "oid1", true),
    ].map((finding) => finding.state === "unknown" && finding.reason);
    assert.deepStrictEqual(reasons, [
      "Google answered 403 (quotaExceeded).",
      "Google answered 403.",
      "Microsoft Graph answered 403.",
    ]);
  });

  it("by address alone shows that somebody is active, and whom to ask about, and never that somebody left", () => {
    const byAddress = (body: unknown, status = 200) => {
      const { finding, id } = readGoogleUserByEmail(answered(status, body), "a@corp.com");
      return [finding.state, id];
    };
    const byPrincipal = (body: unknown, status = 200) => {
      const { finding, id } = readGraphUserByEmail(answered(status, body), "a@corp.com");
      return [finding.state, id];
    };
    assert.deepStrictEqual(
      [
        byAddress(user),
        byAddress({ ...user, primaryEmail: "New@corp.com", aliases: ["A@Corp.com"] }),
        byAddress({ ...user, primaryEmail: "new@corp.com", nonEditableAliases: ["a@corp.com"] }),
        byAddress({ ...user, primaryEmail: "new@corp.com" }),
        byAddress({ ...user, suspended: true }),
        byAddress({ error: { errors: [{ reason: "notFound", message: "userKey" }] } }, 404),
        byPrincipal({ id: "oid1", userPrincipalName: "A@corp.com", accountEnabled: true }),
        byPrincipal({ id: "oid1", userPrincipalName: "x@corp.com", mail: "a@corp.com", accountEnabled: true }),
        byPrincipal({ id: "oid1", userPrincipalName: "x@corp.com", accountEnabled: true }),
        byPrincipal({ id: "oid1", userPrincipalName: "a@corp.com", accountEnabled: false }),
        byPrincipal({ error: { code: "Request_ResourceNotFound" } }, 404),
      ],
      [
        ["active", "101"],
        ["active", "101"],
        ["active", "101"],
        ["unknown", undefined],
        ["unknown", undefined],
        ["unknown", undefined],
        ["active", "oid1"],
        ["active", "oid1"],
        ["unknown", undefined],
        ["unknown", undefined],
        ["unknown", undefined],
      ],
    );
  });

  it("confirms a deletion only by a row that says so about the same account", () => {
    const row = { id: "101", deletionTime: "2026-11-20T08:00:00.000Z" };
    assert.deepStrictEqual(
      [
        isGoogleDeleted(row, "101"),
        isGoogleDeleted({ ...row, id: "102" }, "101"),
        isGoogleDeleted({ id: "101" }, "101"),
        isGoogleDeleted({ id: "101", deletionTime: true }, "101"),
        isGraphDeleted(answered(200, { id: "OID1", deletedDateTime: "2026-11-20T08:00:00Z" }), "oid1"),
        isGraphDeleted(answered(200, { id: "oid2" }), "oid1"),
        isGraphDeleted(answered(404, { error: { code: "Request_ResourceNotFound" } }), "oid1"),
        isGraphDeleted({ kind: "failed", reason: "No answer." }, "oid1"),
      ],
      [true, false, false, false, true, false, false, false],
    );
  });

  it("lets a list pass only those about whom it says nothing odd", () => {
    assert.deepStrictEqual(
      [
        looksActiveAtGoogle(user),
        looksActiveAtGoogle({ ...user, suspended: true }),
        looksActiveAtGoogle({ ...user, archived: true }),
        looksActiveAtGoogle({ id: "101" }),
        looksActiveAtGoogle({ ...user, deletionTime: "2026-11-20T08:00:00.000Z" }),
        looksActiveAtGraph({ id: "oid1", accountEnabled: true }),
        looksActiveAtGraph({ id: "oid1", accountEnabled: false }),
        looksActiveAtGraph({ id: "oid1" }),
        looksActiveAtGraph({ id: "oid1", accountEnabled: true, "@removed": { reason: "deleted" } }),
      ],
      [true, false, false, false, false, true, false, false, false],
    );
  });
});

describe("evidence of several directories", () => {
  const active: Finding = { state: "active" };
  const left: Finding = { state: "inactive", evidence: "Suspended.", isAbsence: false };
  const absent: Finding = { state: "inactive", evidence: "Not found.", isAbsence: true };
  const unsure: Finding = { state: "unknown", reason: "No answer.", isAlarming: false };
  const from = (...findings: readonly Finding[]) =>
    combineFindings(
      findings.map((finding, index) => ({ source: ["Google", "SCIM", "Entra"][index] ?? "", finding, isProven: true })),
    );

  it("is unknown, with an alert, when two contradict each other in whatever order", () => {
    const disagreement: Finding = {
      state: "unknown",
      reason: "The directories disagree: Google says active, SCIM says inactive.",
      isAlarming: true,
    };
    assert.deepStrictEqual(from(active, left), disagreement);
    assert.deepStrictEqual(from(active, absent, unsure), disagreement);
    assert.equal(from(left, active).state, "unknown");
    assert.equal(from(unsure, absent, active).state, "unknown");
  });

  it("is not made of what a list says while another source says that the person left", () => {
    const google = { source: "Google", finding: active, isProven: false };
    const scim = { source: "SCIM", finding: left, isProven: true };
    assert.deepStrictEqual(
      [
        sourcesToAsk([google, scim]),
        sourcesToAsk([{ ...google, isProven: true }, scim]),
        sourcesToAsk([google, { ...scim, finding: unsure }]),
        sourcesToAsk([google]),
      ],
      [["Google"], [], [], []],
    );
  });

  it("is what those say that know something", () => {
    assert.deepStrictEqual(
      [from(active), from(active, unsure), from(left, unsure), from(absent, left), from(absent, unsure)],
      [active, active, left, left, absent],
    );
  });

  it("is unknown when nobody knows or nobody was asked", () => {
    assert.deepStrictEqual(
      [from(unsure, unsure), from()],
      [
        { state: "unknown", reason: "No answer. No answer.", isAlarming: false },
        { state: "unknown", reason: "No directory was asked.", isAlarming: false },
      ],
    );
  });
});
