import assert from "node:assert/strict";

import type { JWTPayload } from "jose";
import * as z from "zod/mini";

import type { AccessTokenChecks } from "../../../../functions/adapters/identity/entra-access-token.ts";
import { verifyAccessToken } from "../../../../functions/adapters/identity/entra-access-token.ts";
import { judgePerson } from "../../../../functions/policy/admission.ts";
import { createTokenSmith } from "../../../support/token-smith.ts";
import type { TokenSmith } from "../../../support/token-smith.ts";
import type { Removal } from "../../../support/without-check.ts";
import { importWithout } from "../../../support/without-check.ts";

const source = "functions/adapters/identity/entra-access-token.ts";
const now = Date.parse("2026-11-25T10:00:00Z");
const seconds = now / 1000;
const tenantId = "11111111-2222-4333-8444-555555555555";
const objectId = "99999999-2222-4333-8444-555555555555";
const audience = "33333333-2222-4333-8444-555555555555";
const editor = "aebc6443-996d-45c2-90f0-388ff96faa56";
const issuer = `https://login.microsoftonline.com/${tenantId}/v2.0`;
const smith = createTokenSmith();
const checks: AccessTokenChecks = {
  issuer,
  tenantId,
  audience,
  clientIds: [editor],
  clock: () => now,
  keys: smith.keys,
};

const honest: JWTPayload = {
  iss: issuer,
  aud: audience,
  tid: tenantId,
  oid: objectId,
  sub: "pairwise",
  iat: seconds - 60,
  nbf: seconds - 60,
  exp: seconds + 4_000,
  scp: "access",
  azp: editor,
  auth_time: seconds - 600,
  acct: 0,
  email: "ada@example.com",
  xms_edov: true,
};

interface Case {
  readonly claims?: JWTPayload;
  readonly token?: (smith: TokenSmith, claims: JWTPayload) => string | Promise<string>;
  /** Undefined: the library itself refuses. */
  readonly check: Removal | undefined;
}

const audienceCheck: Removal = ["audience: checks.audience,", ""];
const scopeCheck: Removal = ['claims.scp?.split(" ").includes(scope) !== true', "false"];

/** The ten checks, in their order. */
const refused: Readonly<Record<string, Case>> = {
  "1: a stranger's signature": {
    token: ({ sign, strangersKey }, claims) => sign(claims, {}, strangersKey),
    check: undefined,
  },
  "2: PS256": { token: ({ sign }, claims) => sign(claims, { alg: "PS256" }), check: ['algorithms: ["RS256"],', ""] },
  "2: no signature": { token: ({ leaveUnsigned }, claims) => leaveUnsigned(claims), check: undefined },
  "3: another tenant's issuer": {
    claims: { iss: "https://login.microsoftonline.com/22222222-2222-4333-8444-555555555555/v2.0" },
    check: ["issuer: checks.issuer,\n      audience", "audience"],
  },
  "3: version 1 of the same tenant": {
    claims: { iss: `https://sts.windows.net/${tenantId}/` },
    check: ["issuer: checks.issuer,\n      audience", "audience"],
  },
  "4: a token for Graph": { claims: { aud: "00000003-0000-0000-c000-000000000000" }, check: audienceCheck },
  "4: a token for another API": { claims: { aud: `api://${audience}` }, check: audienceCheck },
  "5: another tenant": {
    claims: { tid: "22222222-2222-4333-8444-555555555555" },
    check: ["  requireTenant(claims, checks.tenantId);\n", ""],
  },
  "6: expired 90 seconds ago": {
    claims: { exp: seconds - 90 },
    check: ["const toleranceSeconds = 60;", "const toleranceSeconds = 120;"],
  },
  "6: not valid for another 90 seconds": {
    claims: { nbf: seconds + 90 },
    check: ["const toleranceSeconds = 60;", "const toleranceSeconds = 120;"],
  },
  "7: no permission of ours": { claims: { scp: "User.Read" }, check: scopeCheck },
  "7: a permission that only begins like ours": { claims: { scp: "accessories" }, check: scopeCheck },
  "7: roles in place of permissions": { claims: { scp: undefined, roles: ["access"] }, check: scopeCheck },
  "7: a program's token": { claims: { idtyp: "app" }, check: ['claims.idtyp === "app"', "false"] },
  "8: another client": {
    claims: { azp: "44444444-2222-4333-8444-555555555555" },
    check: ["claims.azp === undefined || !checks.clientIds.includes(claims.azp)", "false"],
  },
  "8: no client": {
    claims: { azp: undefined },
    check: ["claims.azp === undefined || !checks.clientIds.includes(claims.azp)", "false"],
  },
  "9: no object id": { claims: { oid: undefined }, check: ["subject: readObjectId(claims),", 'subject: "",'] },
};

const Verifier = z.object({
  verifyAccessToken: z.custom<typeof verifyAccessToken>((value) => typeof value === "function"),
});

function tokenOf({ claims = {}, token }: Omit<Case, "check">): string | Promise<string> {
  const all = { ...honest, ...claims };
  return token === undefined ? smith.sign(all) : token(smith, all);
}

describe("an Entra access token", () => {
  it("is believed when everything in it is right, and says who by the object id", async () => {
    const { identity, expiresAt } = await verifyAccessToken(await tokenOf({}), checks);
    assert.deepStrictEqual(
      [identity.issuer, identity.subject, identity.authTime, expiresAt],
      [issuer, objectId, now - 600_000, now + 4_060_000],
    );
  });

  for (const [name, { check, ...rest }] of Object.entries(refused)) {
    it(`is refused by check ${name}${check === undefined ? "" : ", and by no other"}`, async () => {
      const token = await tokenOf(rest);
      await assert.rejects(verifyAccessToken(token, checks), { name: "IssuerError", kind: "refused" });
      if (check === undefined) return;
      const lax = Verifier.parse(await importWithout(source, [check]));
      await lax.verifyAccessToken(token, checks);
    });
  }

  it("is refused by check 10: a guest, unless guests are allowed", async () => {
    const { identity } = await verifyAccessToken(await tokenOf({ claims: { acct: 1 } }), checks);
    const rules = { allowedDomains: ["example.com"], requireEmailVerified: true };
    assert.deepStrictEqual(
      [false, true].map((allowGuests) => judgePerson(identity, { ...rules, allowGuests }).kind),
      ["refused", "admitted"],
    );
  });

  it("that does not say when the person last signed in counts as long ago", async () => {
    const { identity } = await verifyAccessToken(await tokenOf({ claims: { auth_time: undefined } }), checks);
    assert.equal(identity.authTime, 0);
  });
});
