import assert from "node:assert/strict";

import type { JWTPayload } from "jose";
import * as z from "zod/mini";

import type { IdTokenChecks } from "../../../../functions/adapters/identity/id-token.ts";
import { verifyIdToken } from "../../../../functions/adapters/identity/id-token.ts";
import { tokenKeys } from "../../../../functions/adapters/identity/token-keys.ts";
import type { IssuerKind } from "../../../../functions/policy/issuer-kind.ts";
import type { Identity } from "../../../../functions/services/identity-issuer.ts";
import { IssuerError } from "../../../../functions/services/identity-issuer.ts";
import { createTokenSmith } from "../../../support/token-smith.ts";
import type { TokenSmith } from "../../../support/token-smith.ts";
import type { Removal } from "../../../support/without-check.ts";
import { importWithout } from "../../../support/without-check.ts";

const source = "functions/adapters/identity/id-token.ts";
const now = Date.parse("2026-11-25T10:00:00Z");
const seconds = now / 1000;
const tenant = "11111111-2222-4333-8444-555555555555";
const objectId = "99999999-2222-4333-8444-555555555555";
const entraIssuer = `https://login.microsoftonline.com/${tenant}/v2.0`;
const smith = createTokenSmith();

/** A case: what the token has instead, who it is that makes it, and the check without which it would be believed. */
interface Case {
  readonly claims?: JWTPayload;
  readonly without?: string;
  readonly token?: (smith: TokenSmith, claims: JWTPayload) => string | Promise<string>;
  readonly provider?: IssuerKind;
  /** Undefined: the library itself refuses, also with every option of ours taken away. */
  readonly check: Removal | undefined;
}

const honest: JWTPayload = {
  iss: "https://issuer.example",
  aud: "client",
  sub: "ada",
  nonce: "nonce",
  iat: seconds,
  exp: seconds + 3_600,
  auth_time: seconds - 60,
  email: "ada@example.com",
  email_verified: true,
};
const entraAccount: JWTPayload = {
  iss: entraIssuer,
  tid: tenant,
  oid: objectId,
  sub: "pairwise",
  xms_edov: true,
  acct: 0,
};

const tenantCheck: Removal = ["  requireTenant(claims, tenantId);\n", ""];

const refused: Readonly<Record<string, Case>> = {
  "another issuer's token": {
    claims: { iss: "https://evil.example" },
    check: ['issuer: checks.provider === "google" ? [checks.issuer, "accounts.google.com"] : checks.issuer,', ""],
  },
  "Google's short name from another issuer": {
    claims: { iss: "accounts.google.com" },
    check: ['checks.provider === "google" ? ', "true ? "],
  },
  "another client's token": { claims: { aud: "other" }, check: ["audience: checks.clientId,", ""] },
  "a token issued to another client": {
    claims: { azp: "other" },
    check: ["claims.azp !== undefined && claims.azp !== checks.clientId", "false"],
  },
  "a token for several clients that names none": {
    claims: { aud: ["client", "other"] },
    check: ["claims.aud.length > 1", "claims.aud.length > 9"],
  },
  "another sign-in's token": {
    claims: { nonce: "other" },
    check: ["claims.nonce !== checks.nonce", "false"],
  },
  "a token signed with PS256": {
    token: ({ sign }, claims) => sign(claims, { alg: "PS256" }),
    check: ['algorithms: ["RS256"],', ""],
  },
  "a token without expiry": { without: "exp", check: ['requiredClaims: ["exp", "iat", "sub"],', ""] },
  "a token without subject": { without: "sub", check: undefined },
  "a token without the time of issue": { without: "iat", check: undefined },
  "a token from the future": {
    claims: { iat: seconds + 600, exp: seconds + 4_200 },
    check: ['maxTokenAge: "10m",', ""],
  },
  "a token of yesterday that still lives": {
    claims: { iat: seconds - 86_400 },
    check: ['maxTokenAge: "10m",', ""],
  },
  "a token that expired 90 seconds ago": {
    claims: { iat: seconds - 300, exp: seconds - 90 },
    check: ["clockTolerance: 60,", "clockTolerance: 120,"],
  },
  "an access token in an ID token's place": {
    token: ({ sign }, claims) => sign(claims, { typ: "at+jwt" }),
    check: ["protectedHeader.typ !== undefined && ", "false && "],
  },
  "an unsigned token": { token: ({ leaveUnsigned }, claims) => leaveUnsigned(claims), check: undefined },
  "a token signed with the public key as a shared secret": {
    token: ({ sign, publicPem }, claims) => sign(claims, { alg: "HS256" }, publicPem),
    check: undefined,
  },
  "a token signed by a stranger": {
    token: ({ sign, strangersKey }, claims) => sign(claims, {}, strangersKey),
    check: undefined,
  },
  "a token of an unknown key": { token: ({ sign }, claims) => sign(claims, { kid: "other" }), check: undefined },
  "a token that brings its own key": {
    token: async ({ sign, strangersKey }, claims) =>
      sign(claims, { kid: "theirs", jku: "https://evil.example/keys" }, strangersKey),
    check: undefined,
  },
  "an account of another Entra tenant": {
    provider: "entra",
    claims: { ...entraAccount, tid: "22222222-2222-4333-8444-555555555555" },
    check: tenantCheck,
  },
  "an Entra account that does not say its tenant": {
    provider: "entra",
    claims: entraAccount,
    without: "tid",
    check: tenantCheck,
  },
  "an Entra account without its object id": {
    provider: "entra",
    claims: entraAccount,
    without: "oid",
    check: ["subject: readObjectId(claims),", "subject: claims.sub,"],
  },
};

const bareOptions: Removal = [
  'algorithms: ["RS256"],\n      requiredClaims: ["exp", "iat", "sub"],\n      maxTokenAge: "10m",\n',
  "",
];

function checksFor(provider: IssuerKind): IdTokenChecks {
  return {
    issuer:
      provider === "entra"
        ? entraIssuer
        : provider === "google"
          ? "https://accounts.google.com"
          : "https://issuer.example",
    provider,
    clientId: "client",
    nonce: "nonce",
    clock: () => now,
    keys: smith.keys,
  };
}

async function tokenOf({ claims = {}, without, token }: Omit<Case, "check">): Promise<string> {
  const all = Object.fromEntries(Object.entries({ ...honest, ...claims }).filter(([name]) => name !== without));
  return token === undefined ? smith.sign(all) : token(smith, all);
}

const Verifier = z.object({
  verifyIdToken: z.custom<typeof verifyIdToken>((value) => typeof value === "function"),
});

describe("an ID token", () => {
  it("is believed when everything in it is right", async () => {
    const { email, subject, authTime } = await verifyIdToken(await tokenOf({}), checksFor("other"));
    assert.deepStrictEqual(
      { email, subject, authTime },
      { email: "ada@example.com", subject: "ada", authTime: now - 60_000 },
    );
  });

  for (const [name, { check, ...rest }] of Object.entries(refused)) {
    it(`is refused: ${name}${check === undefined ? "" : ", and only by its own check"}`, async () => {
      const checks = checksFor(rest.provider ?? "other");
      const token = await tokenOf(rest);
      await assert.rejects(verifyIdToken(token, checks), { name: "IssuerError", kind: "refused" });
      const lax = Verifier.parse(await importWithout(source, [check ?? bareOptions]));
      const outcome = await lax.verifyIdToken(token, checks).then(
        () => "believed",
        () => "refused",
      );
      assert.equal(outcome, check === undefined ? "refused" : "believed");
    });
  }

  it("says nothing of itself when it is refused", async () => {
    const fault: unknown = await verifyIdToken(
      await tokenOf({ claims: { aud: "planted-audience" } }),
      checksFor("other"),
    ).catch((error: unknown) => error);
    assert.ok(fault instanceof IssuerError);
    assert.deepStrictEqual([/planted/.test(fault.message), fault.cause], [false, undefined]);
  });

  it("is believed when the issuer has just begun to use its key", async () => {
    const former = createTokenSmith("former");
    const keys = tokenKeys({ read: async () => former.jwks, renew: async () => smith.jwks });
    const { subject } = await verifyIdToken(await tokenOf({}), { ...checksFor("other"), keys });
    await assert.rejects(
      verifyIdToken(await former.sign(honest, { kid: "unknown" }), { ...checksFor("other"), keys }),
      {
        kind: "refused",
      },
    );
    assert.equal(subject, "ada");
  });

  it("is not taken for bad when it is the keys that cannot be had", async () => {
    const away = new IssuerError("unavailable", "away");
    const keys = () => Promise.reject(away);
    await assert.rejects(verifyIdToken(await tokenOf({}), { ...checksFor("other"), keys }), away);
  });

  for (const [name, [offset, expected]] of Object.entries({
    "expired 30 seconds ago": [-30, "believed"],
    "expired 90 seconds ago": [-90, "refused"],
  } as const)) {
    it(`that ${name} is ${expected}, since clocks differ`, async () => {
      const token = await tokenOf({ claims: { iat: seconds - 200, exp: seconds + offset } });
      const outcome = await verifyIdToken(token, checksFor("other")).then(
        () => "believed",
        () => "refused",
      );
      assert.equal(outcome, expected);
    });
  }

  for (const [name, [offset, expected]] of Object.entries({
    "issued 30 seconds from now": [30, "believed"],
    "issued 90 seconds from now": [90, "refused"],
  } as const)) {
    it(`that was ${name} is ${expected}`, async () => {
      const token = await tokenOf({ claims: { iat: seconds + offset } });
      const outcome = await verifyIdToken(token, checksFor("other")).then(
        () => "believed",
        () => "refused",
      );
      assert.equal(outcome, expected);
    });
  }

  it("of Google counts under either of its names", async () => {
    const identity = await verifyIdToken(
      await tokenOf({ claims: { iss: "accounts.google.com", hd: "example.com" } }),
      checksFor("google"),
    );
    assert.deepStrictEqual([identity.issuer, identity.hostedDomain], ["https://accounts.google.com", "example.com"]);
  });

  const entra: Readonly<
    Record<string, readonly [JWTPayload, Pick<Identity, "subject" | "isGuest" | "emailVerified">]>
  > = {
    "a member": [{}, { subject: objectId, isGuest: false, emailVerified: true }],
    "a guest who says so": [{ acct: 1 }, { subject: objectId, isGuest: true, emailVerified: true }],
    "a guest by where they signed in": [
      { idp: "https://sts.windows.net/22222222-2222-4333-8444-555555555555/" },
      { subject: objectId, isGuest: true, emailVerified: true },
    ],
    "a member whose tenant is named the old way": [
      { idp: `https://sts.windows.net/${tenant}/` },
      { subject: objectId, isGuest: false, emailVerified: true },
    ],
    "an e-mail that only the administrator wrote": [
      { xms_edov: false },
      { subject: objectId, isGuest: false, emailVerified: false },
    ],
    "an e-mail verified in text": [{ xms_edov: "1" }, { subject: objectId, isGuest: false, emailVerified: true }],
    "an e-mail of which nothing is said, whatever email_verified says": [
      { xms_edov: undefined, email_verified: true },
      { subject: objectId, isGuest: false, emailVerified: undefined },
    ],
  };
  for (const [name, [claims, expected]] of Object.entries(entra)) {
    it(`of Entra about ${name}`, async () => {
      const { subject, isGuest, emailVerified } = await verifyIdToken(
        await tokenOf({ claims: { ...entraAccount, ...claims } }),
        checksFor("entra"),
      );
      assert.deepStrictEqual({ subject, isGuest, emailVerified }, expected);
    });
  }
});
