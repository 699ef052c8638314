import assert from "node:assert/strict";

import { TokenAnswer } from "../../../functions/contract/account.ts";
import { AdminKeysAnswer, AdminRaisesAnswer, AuditAnswer } from "../../../functions/contract/admin.ts";
import { CreateKeyAnswer, Key, KeysAnswer, RotateKeyAnswer } from "../../../functions/contract/keys.ts";
import { NightlyRunsAnswer } from "../../../functions/contract/runs.ts";
import { codeOf } from "../../support/callers.ts";
import { cronSecret, scimToken } from "../../support/directory/company.ts";
import type { GoogleStandIn } from "../../support/directory/google.ts";
import { googleAdmin, startGoogle } from "../../support/directory/google.ts";
import type { Answer, Caller } from "../../support/function.ts";
import { call, createKit, getCode, startParameters } from "../../support/function.ts";
import type { Issuer } from "../../support/issuer/issuer.ts";
import { startIssuer } from "../../support/issuer/issuer.ts";
import { examplePeople } from "../../support/issuer/people.ts";
import type { OpenRouterStandIn } from "../../support/openrouter/stand-in.ts";
import { startOpenRouter } from "../../support/openrouter/stand-in.ts";
import type { Host } from "./hosts.ts";
import { hosts } from "./hosts.ts";

const previousSecret = "earlier-cron-secret-of-forty-characters!";
const cron = { Authorization: `Bearer ${cronSecret}` };
const scim = { Authorization: `Bearer ${scimToken}` };
const people = [
  ...examplePeople,
  { subject: "100000000000000000009", email: "boss@example.com", emailVerified: true, hostedDomain: "example.com" },
];

/** What each host answered, in the order in which it was asked, without what differs from one time to the next. */
const transcripts = new Map<string, string[]>();

for (const [name, start] of Object.entries(hosts)) {
  describe(`the contract on ${name}`, function () {
    this.timeout(120_000);
    let host: Host;
    let openRouter: OpenRouterStandIn;
    let issuer: Issuer;
    let google: GoogleStandIn;
    const transcript: string[] = [];
    let ada: Caller;
    let boss: Caller;
    let grace: Caller;

    before(async () => {
      [openRouter, google] = await Promise.all([startOpenRouter(), startGoogle()]);
      issuer = await startIssuer({ redirectUris: [], people });
      for (const { subject, email } of people) google.users.set(subject, { id: subject, primaryEmail: email });
      google.users.set("canary@example.com", { id: "1", primaryEmail: "canary@example.com" });
      const started = await start((url) => ({
        PUBLIC_URL: url,
        OPENROUTER_MANAGEMENT_KEY: openRouter.managementKey,
        OPENROUTER_BASE_URL: openRouter.apiUrl,
        OIDC_ISSUER: issuer.url,
        OIDC_CLIENT_ID: issuer.clientId,
        OIDC_CLIENT_SECRET: issuer.clientSecret,
        ALLOWED_DOMAINS: "example.com",
        ADMIN_EMAILS: "ada@example.com,boss@example.com",
        GOOGLE_SA_KEY_JSON: JSON.stringify(google.serviceAccountKey),
        GOOGLE_DIRECTORY_SUBJECT: googleAdmin,
        GOOGLE_DIRECTORY_URL: google.url,
        DIRECTORY_CANARY: "canary@example.com",
        CRON_SECRET: cronSecret,
        CRON_SECRET_PREVIOUS: previousSecret,
        SCIM_TOKEN: `next-${scimToken}`,
        SCIM_TOKEN_PREVIOUS: scimToken,
        NIGHTLY_MODE: "enforce",
        NIGHTLY_MIN_INTERVAL_SECONDS: "0",
      }));
      host = { name, ...started };
      issuer.setRedirectUris([`${host.url}/v1/auth/callback`]);
      transcripts.set(name, transcript);
    });
    after(async () => {
      await host.stop();
      await Promise.all([openRouter.stop(), issuer.stop(), google.stop()]);
    });

    async function ask(method: string, path: string, options: Parameters<typeof call>[3] = {}): Promise<Answer> {
      const answer = await call(host.url, method, path, options);
      transcript.push(`${method} ${withoutIds(path)} → ${describeAnswer(answer)}`);
      assert.match(answer.headers.get("X-Request-Id") ?? "", /^[0-9a-f-]{36}$/, `${method} ${path}`);
      return answer;
    }

    async function signIn(email: string): Promise<Caller> {
      const { code, verifier } = await getCode(host.url, email);
      const answer = await ask("POST", "/v1/auth/token", { body: { code, codeVerifier: verifier } });
      const { sessionToken: token } = TokenAnswer.parse(answer.body);
      return {
        token,
        call: (method, path, options = {}) =>
          ask(method, path, { ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } }),
      };
    }

    async function create(caller: Caller, keyName: string): Promise<Key> {
      const kit = await createKit();
      const body = { name: keyName, recipient: kit.recipient };
      return CreateKeyAnswer.parse((await caller.call("POST", "/v1/keys", { body, headers: kit.headers })).body).key;
    }

    it("is well, and says about every fault what it is and nothing else", async () => {
      assert.deepStrictEqual((await ask("GET", "/v1/health")).body, { status: "ok" });
      const refused = [
        await ask("GET", "/v1/nowhere"),
        await ask("GET", "/v1/me"),
        await ask("GET", "/v1/keys", { headers: { Authorization: "Bearer ors_nobody" } }),
        await ask("POST", "/v1/auth/token", { body: "{" }),
        await ask("POST", "/v1/auth/token", { body: { code: "x", codeVerifier: "y".repeat(43), more: true } }),
        await ask("POST", "/v1/auth/token", { body: { code: "x".repeat(17_000), codeVerifier: "y".repeat(43) } }),
        await ask("GET", "/v1/auth/start?redirect_uri=https://evil.example/auth"),
        await ask("GET", "/v1/auth/entra"),
        await ask("GET", "/v1/cron/nightly"),
        await ask("GET", "/v1/cron/nightly", { headers: { Authorization: `Bearer ${scimToken}` } }),
      ];
      assert.deepStrictEqual(refused.map(codeOf), [
        "not_found",
        "unauthorized",
        "unauthorized",
        "invalid_request",
        "invalid_request",
        "too_large",
        "invalid_request",
        "not_found",
        "unauthorized",
        "unauthorized",
      ]);
    });

    it("signs people in through the issuer, and others not", async () => {
      const begun = await ask("GET", startParameters("").url);
      assert.deepStrictEqual(
        [begun.status, begun.headers.get("Location")?.startsWith(issuer.url)],
        [302, true],
        JSON.stringify(begun.body),
      );
      [ada, boss, grace] = [
        await signIn("ada@example.com"),
        await signIn("boss@example.com"),
        await signIn("grace@example.com"),
      ];
      const isAdmin = [];
      for (const caller of [ada, grace]) isAdmin.push(Object((await caller.call("GET", "/v1/me")).body).isAdmin);
      assert.deepStrictEqual(isAdmin, [true, false]);
      await assert.rejects(getCode(host.url, "mallory@elsewhere.example"));
      assert.equal((await grace.call("GET", "/v1/sessions")).status, 200);
      const second = await signIn("grace@example.com");
      assert.deepStrictEqual(
        [codeOf(await second.call("DELETE", "/v1/session")), codeOf(await second.call("GET", "/v1/me"))],
        ["204", "unauthorized"],
      );
    });

    it("makes one key however often it is asked, and hands its secret to one person", async () => {
      const kit = await createKit();
      const asked = { body: { name: "laptop", recipient: kit.recipient }, headers: kit.headers };
      const made = await grace.call("POST", "/v1/keys", asked);
      const again = await grace.call("POST", "/v1/keys", asked);
      const { key, sealedSecret } = CreateKeyAnswer.parse(made.body);
      assert.deepStrictEqual([made.status, again.status, again.body], [201, 201, made.body]);
      assert.match(await kit.open(sealedSecret ?? ""), /^sk-or-v1-/);
      const answers = [
        await grace.call("POST", "/v1/keys", { ...asked, body: { ...asked.body, name: "other" } }),
        await grace.call("POST", "/v1/keys", { body: asked.body }),
        await grace.call("POST", "/v1/keys", { ...asked, body: { ...asked.body, limitUsd: 99 } }),
        await ada.call("POST", `/v1/keys/${key.id}/received`),
        await grace.call("POST", `/v1/keys/${key.id}/received`),
      ];
      assert.deepStrictEqual(answers.map(codeOf), [
        "idempotency_mismatch",
        "invalid_request",
        "idempotency_mismatch",
        "not_found",
        "204",
      ]);
      const later = CreateKeyAnswer.parse((await grace.call("POST", "/v1/keys", asked)).body);
      assert.deepStrictEqual([later.sealedSecret, openRouter.keys().length], [undefined, 1]);
      const dear = await createKit();
      const body = { name: "dear", limitUsd: 99, recipient: dear.recipient };
      assert.equal(codeOf(await grace.call("POST", "/v1/keys", { body, headers: dear.headers })), "above_plan");
    });

    it("changes, rotates and deletes a person's own keys and nobody else's", async () => {
      const [key] = KeysAnswer.parse((await grace.call("GET", "/v1/keys")).body).keys;
      assert.ok(key !== undefined);
      const path = `/v1/keys/${key.id}`;
      openRouter.clearRequests();
      const strange = [
        await ada.call("PATCH", path, { body: { disabled: true } }),
        await ada.call("DELETE", path),
        await grace.call("GET", "/v1/admin/keys"),
        await ada.call("PATCH", "/v1/admin/keys/00000000-0000-4000-8000-000000000000", { body: { disabled: true } }),
      ];
      assert.deepStrictEqual(
        [strange.map(codeOf), openRouter.requests],
        [["not_found", "not_found", "forbidden", "not_found"], []],
      );
      const changed = await grace.call("PATCH", path, { body: { name: "new name", disabled: true } });
      assert.deepStrictEqual([Key.parse(changed.body).name, Key.parse(changed.body).state], ["new name", "disabled"]);
      assert.equal(codeOf(await grace.call("PATCH", path, { body: { disabled: false } })), "200");
      const kit = await createKit();
      const rotated = await grace.call("POST", `${path}/rotate`, {
        body: { recipient: kit.recipient, graceSeconds: 60 },
        headers: kit.headers,
      });
      const { key: successor, retiring } = RotateKeyAnswer.parse(rotated.body);
      const states = KeysAnswer.parse((await grace.call("GET", "/v1/keys")).body).keys.map(({ state }) => state);
      assert.deepStrictEqual([rotated.status, retiring.id, states.sort()], [201, key.id, ["active", "retiring"]]);
      const ends = [
        await grace.call("DELETE", `/v1/keys/${successor.id}`),
        await grace.call("DELETE", `/v1/keys/${successor.id}`),
        await grace.call("DELETE", path),
      ];
      assert.deepStrictEqual([ends.map(codeOf), openRouter.keys().length], [["204", "204", "204"], 0]);
    });

    it("lets another administrator decide about a raise, and shows and exports what was done", async () => {
      const key = await create(grace, "for a raise");
      const until = new Date(Date.now() + 3_600_000).toISOString();
      const body = { keyId: key.id, limitUsd: 60, until, reason: "A long night" };
      const asked = await grace.call("POST", "/v1/raises", { body });
      const id = String(Object(asked.body).id);
      const waiting = AdminRaisesAnswer.parse((await boss.call("GET", "/v1/admin/raises")).body).raises;
      const decided = await boss.call("POST", `/v1/admin/raises/${id}`, { body: { decision: "approve" } });
      assert.deepStrictEqual([waiting.map((raise) => raise.id), decided.status], [[id], 200]);
      assert.equal((await grace.call("GET", "/v1/raises")).status, 200);
      assert.equal(openRouter.keys()[0]?.limit, 60);
      const page = AdminKeysAnswer.parse((await ada.call("GET", "/v1/admin/keys?q=raise&limit=1")).body);
      assert.deepStrictEqual([page.keys.map(({ owner }) => owner.label), page.total], [["grace@example.com"], 1]);
      const csv = await ada.call("GET", "/v1/admin/keys.csv");
      assert.match(String(csv.body), /grace@example\.com.*for a raise/);
      const { entries } = AuditAnswer.parse((await ada.call("GET", "/v1/admin/audit")).body);
      assert.ok(
        entries.some(({ verb }) => verb === "raise.approve"),
        entries.map(({ verb }) => verb).join(),
      );
      assert.equal(codeOf(await ada.call("PATCH", `/v1/admin/keys/${key.id}`, { body: { disabled: true } })), "200");
      assert.equal((await ada.call("GET", "/v1/admin/identities")).status, 200);
    });

    it("takes people over SCIM", async () => {
      const paths = ["ServiceProviderConfig", "ResourceTypes", "Schemas", "Users", "Groups"];
      const read = [];
      for (const path of paths) read.push((await ask("GET", `/scim/v2/${path}`, { headers: scim })).status);
      const schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"];
      const body = { schemas, userName: "linus@example.com", active: true };
      const pushed = await ask("POST", "/scim/v2/Users", { headers: scim, body });
      assert.deepStrictEqual([read, pushed.status], [paths.map(() => 200), 201]);
      const next = { Authorization: `Bearer next-${scimToken}` };
      const found = await ask("GET", "/scim/v2/Users?startIndex=1&count=1", { headers: next });
      assert.deepStrictEqual([found.status, (await call(host.url, "GET", "/scim/v2/Users")).status], [200, 401]);
    });

    it("runs at night for a scheduler with the secret, and ends the access of whoever has left", async () => {
      await create(grace, "left behind");
      const subject = people.find(({ email }) => email === "grace@example.com")?.subject ?? "";
      google.users.set(subject, { id: subject, primaryEmail: "grace@example.com", suspended: true });
      const earlier = { Authorization: `Bearer ${previousSecret}` };
      // As Vercel's cron calls it, and as a scheduler does that still has the earlier secret.
      const summary = Object((await ask("GET", "/v1/cron/nightly", { headers: cron })).body);
      const again = Object((await ask("POST", "/v1/cron/nightly", { headers: earlier })).body);
      assert.deepStrictEqual(
        [summary.revoked, summary.partial, again.revoked, codeOf(await grace.call("GET", "/v1/me"))],
        [1, false, 0, "unauthorized"],
      );
      assert.deepStrictEqual([...new Set(openRouter.keys().map(({ disabled }) => disabled))], [true]);
      const { runs } = NightlyRunsAnswer.parse((await ada.call("GET", "/v1/admin/runs")).body);
      assert.equal(runs.length, 2);
    });

    it("follows no redirect of OpenRouter's", async () => {
      openRouter.clearRequests();
      openRouter.faults.add({
        path: "/**",
        fault: { kind: "redirect", status: 302, location: `${openRouter.origin}/elsewhere` },
      });
      const summary = Object((await ask("POST", "/v1/cron/nightly", { headers: cron })).body);
      openRouter.faults.reset();
      assert.equal(summary.partial, true);
      assert.ok(openRouter.requests.every(({ path }) => !path.includes("elsewhere")));
    });

    if (name === "Cloudflare Workers") {
      it("runs at night by the runtime's own cron", async () => {
        const outcome = await (await fetch(`${host.url}/cdn-cgi/handler/scheduled?format=json`)).json();
        const { runs } = NightlyRunsAnswer.parse((await ada.call("GET", "/v1/admin/runs")).body);
        transcript.pop();
        assert.deepStrictEqual([outcome.outcome, runs.length], ["ok", 4]);
      });
    }
  });
}

describe("the contract", () => {
  it("is answered alike on every host", () => {
    const [first, ...others] = transcripts.values();
    assert.ok(first !== undefined && first.length > 60 && others.length === 3);
    for (const other of others) assert.deepStrictEqual(other, first);
  });
});

function withoutIds(path: string): string {
  return path.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "…").replace(/(?<=[?&]code_challenge=)[^&]*/, "…");
}

/** The status, what kind of thing it is and the shape of the body; of problems the words. */
function describeAnswer({ status, headers, body }: Answer): string {
  const policy = ["Cache-Control", "Referrer-Policy", "X-Content-Type-Options"].map((name) => headers.get(name));
  const kind = headers.get("Content-Type")?.split(";")[0];
  return [status, kind, ...policy, JSON.stringify(shapeOf(body))].join(" ");
}

/** Names and types; numbers and truth values as they are, texts only where they are words for people or codes. */
function shapeOf(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((entry) => shapeOf(entry));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shapeOf(each, name)]));
  }
  const isWord = /^(?:code|title|detail|type|state|status|verb|mode|reset|label|name)$/.test(name);
  return typeof value === "string" && !(isWord && !value.startsWith("sk-or-")) ? "text" : value;
}
