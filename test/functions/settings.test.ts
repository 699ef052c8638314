import assert from "node:assert/strict";

import { SettingsError, readSettings } from "../../functions/settings.ts";

const given = {
  OPENROUTER_MANAGEMENT_KEY: "planted-management-key",
  OIDC_ISSUER: "https://issuer.example",
  OIDC_CLIENT_ID: "client",
  OIDC_CLIENT_SECRET: "planted-client-secret",
  ALLOWED_DOMAINS: "Example.com, example.org",
};

const tenant = "11111111-2222-4333-8444-555555555555";

function faultsOf(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    readSettings({ ...given, ...environment });
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.faults;
  }
}

describe("settings", () => {
  it("need only what no default can know", () => {
    assert.deepStrictEqual(readSettings({ ...given, ADMIN_EMAILS: "Ada@Example.com" }), {
      port: 8787,
      host: "127.0.0.1",
      publicUrl: "http://127.0.0.1:8787",
      databaseUrl: undefined,
      dataDir: ".data",
      openRouter: { managementKey: "planted-management-key", baseUrl: "https://openrouter.ai/api/v1" },
      signIn: {
        kind: "oidc",
        issuer: "https://issuer.example",
        provider: "other",
        clientId: "client",
        clientSecret: "planted-client-secret",
      },
      entraApi: undefined,
      requireEmailVerified: true,
      allowGuests: false,
      adminGroup: undefined,
      allowedDomains: ["example.com", "example.org"],
      adminEmails: ["ada@example.com"],
      plans: [
        {
          match: "everyone",
          maxKeys: 3,
          budgetCents: 10_000,
          reset: "monthly",
          defaultKeyCents: 2_500,
          maxKeyCents: 5_000,
          maxLifetimeDays: 90,
          createsPerHour: 10,
        },
      ],
      sessionRedirects: [],
      telemetryEndpoint: undefined,
      google: undefined,
      entra: undefined,
      directoryCanary: undefined,
      scim: undefined,
      cronSecrets: [],
      nightly: { mode: "report", minIntervalSeconds: 300, keepRevokedDays: 30 },
      nightlySchedule: undefined,
      heartbeatUrl: undefined,
    });
  });

  const serviceAccountKey = {
    type: "service_account",
    client_email: "directory@project.iam.gserviceaccount.com",
    private_key: "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----\n",
    private_key_id: "planted-id",
    token_uri: "https://oauth2.googleapis.com/token",
  };
  const long = "planted-and-long-enough-".repeat(2);

  it("take all that the nightly trigger and the directories need", () => {
    const { google, entra, directoryCanary, scim, cronSecrets, nightly, nightlySchedule, heartbeatUrl } = readSettings({
      ...given,
      GOOGLE_SA_KEY_JSON: JSON.stringify({
        ...serviceAccountKey,
        private_key: serviceAccountKey.private_key.replaceAll("\n", "\\n"),
      }),
      GOOGLE_DIRECTORY_SUBJECT: "admin@example.com",
      ENTRA_TENANT_ID: "contoso.onmicrosoft.com",
      ENTRA_CLIENT_ID: "application",
      ENTRA_CLIENT_SECRET: "planted-secret",
      DIRECTORY_CANARY: "100000000000000000001",
      SCIM_TOKEN: `${long}1`,
      SCIM_TOKEN_PREVIOUS: `${long}0`,
      CRON_SECRET: `${long}2`,
      CRON_SECRET_PREVIOUS: `${long}3`,
      NIGHTLY_MODE: "enforce",
      NIGHTLY_MIN_INTERVAL_SECONDS: "0",
      NIGHTLY_SCHEDULE: "15 2 * * MON-FRI",
      REVOKED_KEEP_DAYS: "7",
      HEARTBEAT_URL: "https://beat.example/planted/",
    });
    assert.deepStrictEqual(
      { google, entra, directoryCanary, scim, cronSecrets, nightly, nightlySchedule, heartbeatUrl },
      {
        google: {
          url: "https://admin.googleapis.com/admin/directory/v1",
          serviceAccount: {
            email: serviceAccountKey.client_email,
            privateKey: serviceAccountKey.private_key,
            privateKeyId: "planted-id",
            tokenUrl: "https://oauth2.googleapis.com/token",
          },
          subject: "admin@example.com",
        },
        entra: {
          url: "https://graph.microsoft.com/v1.0",
          loginUrl: "https://login.microsoftonline.com",
          tenantId: "contoso.onmicrosoft.com",
          clientId: "application",
          clientSecret: "planted-secret",
        },
        directoryCanary: "100000000000000000001",
        scim: { tokens: [`${long}1`, `${long}0`] },
        cronSecrets: [`${long}2`, `${long}3`],
        nightly: { mode: "enforce", minIntervalSeconds: 0, keepRevokedDays: 7 },
        nightlySchedule: "15 2 * * MON-FRI",
        heartbeatUrl: "https://beat.example/planted/",
      },
    );
  });

  it("take a service's address with its path or without", () => {
    const urls = ["http://127.0.0.1:1/", "http://127.0.0.1:1/v1.0", "https://graph.microsoft.us/beta"].map(
      (url) =>
        readSettings({
          ...given,
          ENTRA_TENANT_ID: "t",
          ENTRA_CLIENT_ID: "c",
          ENTRA_CLIENT_SECRET: "s",
          GRAPH_URL: url,
        }).entra?.url,
    );
    const google = ["http://127.0.0.1:1", "http://127.0.0.1:1/admin/directory/v1/"].map(
      (url) =>
        readSettings({
          ...given,
          GOOGLE_SA_KEY_JSON: JSON.stringify({ ...serviceAccountKey, token_uri: "http://127.0.0.1:2/token" }),
          GOOGLE_DIRECTORY_URL: url,
        }).google?.url,
    );
    assert.deepStrictEqual(
      [urls, google],
      [
        ["http://127.0.0.1:1/v1.0", "http://127.0.0.1:1/v1.0", "https://graph.microsoft.us/beta"],
        ["http://127.0.0.1:1/admin/directory/v1", "http://127.0.0.1:1/admin/directory/v1"],
      ],
    );
  });

  it("leave out secrets that are too short, so that nothing opens the routes behind them", () => {
    const { scim, cronSecrets } = readSettings({
      ...given,
      SCIM_TOKEN: "x".repeat(31),
      CRON_SECRET: "y".repeat(31),
      CRON_SECRET_PREVIOUS: long,
    });
    assert.deepStrictEqual([scim, cronSecrets], [{ tokens: [] }, [long]]);
    assert.deepStrictEqual(readSettings({ ...given, SCIM_TOKEN: " ", CRON_SECRET: "" }).scim, undefined);
  });

  it("name every fault at once and repeat no value", () => {
    const environment = {
      ...given,
      PORT: "planted-port",
      OIDC_ISSUER: "http://planted.example",
      OPENROUTER_BASE_URL: "ftp://planted",
      DATABASE_URL: "mysql://user:planted-password@host/db",
      ADMIN_EMAILS: "\u212Aate@example.com",
      SESSION_REDIRECTS: "https://*.planted.dev/callback",
      PLANS: "{planted",
      ALLOWED_DOMAINS: "",
      GOOGLE_SA_KEY_JSON: "{planted",
      GOOGLE_DIRECTORY_SUBJECT: "planted",
      GOOGLE_DIRECTORY_URL: "http://planted.example",
      ENTRA_TENANT_ID: "planted/../common",
      ENTRA_CLIENT_ID: "planted",
      ENTRA_CLIENT_SECRET: "planted",
      GRAPH_URL: "http://planted.example",
      ENTRA_LOGIN_URL: "planted",
      DIRECTORY_CANARY: "planted planted",
      NIGHTLY_MODE: "planted",
      NIGHTLY_MIN_INTERVAL_SECONDS: "-planted",
      NIGHTLY_SCHEDULE: "planted",
      HEARTBEAT_URL: "http://planted.example/planted",
      REVOKED_KEEP_DAYS: "1.5 planted",
    };
    const faults = faultsOf(environment);
    const named = [
      "PORT",
      "OIDC_ISSUER",
      "OPENROUTER_BASE_URL",
      "DATABASE_URL",
      "ADMIN_EMAILS",
      "SESSION_REDIRECTS",
      "PLANS",
      "ALLOWED_DOMAINS",
      "GOOGLE_SA_KEY_JSON",
      "GOOGLE_DIRECTORY_SUBJECT",
      "GOOGLE_DIRECTORY_URL",
      "ENTRA_TENANT_ID",
      "GRAPH_URL",
      "ENTRA_LOGIN_URL",
      "DIRECTORY_CANARY",
      "NIGHTLY_MODE",
      "NIGHTLY_MIN_INTERVAL_SECONDS",
      "NIGHTLY_SCHEDULE",
      "HEARTBEAT_URL",
      "REVOKED_KEEP_DAYS",
    ];
    assert.deepStrictEqual(
      [
        named.filter((name) => !faults.some((fault) => fault.startsWith(name))),
        faults.length,
        faults.join().includes("planted"),
      ],
      [[], named.length, false],
    );
  });

  it("take GitHub in place of an OpenID provider", () => {
    const { OPENROUTER_MANAGEMENT_KEY, ALLOWED_DOMAINS } = given;
    const { signIn } = readSettings({
      OPENROUTER_MANAGEMENT_KEY,
      ALLOWED_DOMAINS,
      GITHUB_APP_CLIENT_ID: "app",
      GITHUB_APP_CLIENT_SECRET: "secret",
      GITHUB_ORGANIZATION: "example",
    });
    assert.deepStrictEqual(signIn, {
      kind: "github",
      clientId: "app",
      clientSecret: "secret",
      organization: "example",
      webUrl: "https://github.com",
      apiUrl: "https://api.github.com",
    });
  });

  it("let the editor's own Microsoft account in for one tenant", () => {
    const { entraApi } = readSettings({ ...given, ENTRA_API_AUDIENCE: tenant.toUpperCase(), ENTRA_TENANT_ID: tenant });
    assert.deepStrictEqual(entraApi, {
      tenantId: tenant,
      audience: tenant,
      clientIds: ["aebc6443-996d-45c2-90f0-388ff96faa56"],
      loginUrl: "https://login.microsoftonline.com",
    });
  });

  const cases: Readonly<Record<string, [Readonly<Record<string, string>>, RegExp]>> = {
    "an Entra issuer for everybody": [
      { OIDC_ISSUER: "https://login.microsoftonline.com/common/v2.0" },
      /^OIDC_ISSUER must name your own tenant/,
    ],
    "an Entra issuer for personal accounts": [
      { OIDC_ISSUER: "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0" },
      /^OIDC_ISSUER must name your own tenant/,
    ],
    "a provider that nobody knows": [{ OIDC_PROVIDER: "gogle" }, /^OIDC_PROVIDER must be one of google, entra/],
    "a provider that contradicts the issuer": [
      { OIDC_ISSUER: "https://accounts.google.com", OIDC_PROVIDER: "other" },
      /^OIDC_PROVIDER contradicts OIDC_ISSUER/,
    ],
    "a switch that is neither on nor off": [{ REQUIRE_EMAIL_VERIFIED: "no" }, /^REQUIRE_EMAIL_VERIFIED must be true/],
    "an API without its tenant": [{ ENTRA_API_AUDIENCE: tenant }, /^ENTRA_TENANT_ID is missing/],
    "an API of a tenant by name": [
      { ENTRA_API_AUDIENCE: tenant, ENTRA_TENANT_ID: "example.onmicrosoft.com" },
      /^ENTRA_TENANT_ID must be the id/,
    ],
    "an API by its address": [
      { ENTRA_API_AUDIENCE: `api://${tenant}`, ENTRA_TENANT_ID: tenant },
      /^ENTRA_API_AUDIENCE must be/,
    ],
    "clients of an API that is off": [{ ENTRA_API_CLIENT_IDS: tenant }, /^ENTRA_API_CLIENT_IDS is given without/],
    "two ways to sign in": [
      { GITHUB_APP_CLIENT_ID: "app", GITHUB_APP_CLIENT_SECRET: "secret", GITHUB_ORGANIZATION: "example" },
      /^OIDC_ISSUER and GITHUB_APP_CLIENT_ID are both given/,
    ],
    "GitHub without an organisation": [
      { OIDC_ISSUER: "", GITHUB_APP_CLIENT_ID: "app", GITHUB_APP_CLIENT_SECRET: "secret" },
      /^GITHUB_ORGANIZATION is missing/,
    ],
    "a group of administrators at GitHub": [
      {
        OIDC_ISSUER: "",
        GITHUB_APP_CLIENT_ID: "app",
        GITHUB_APP_CLIENT_SECRET: "secret",
        GITHUB_ORGANIZATION: "example",
        ADMIN_GROUP: "admins",
      },
      /^ADMIN_GROUP is given, but GitHub sends no groups/,
    ],
    "a misspelt name of sign-in": [{ ADMIN_GROPU: "x" }, /^ADMIN_GROPU is not a setting; was ADMIN_GROUP meant\?$/],
    "a misspelt name": [
      { PLANS: "", SESION_REDIRECTS: "x" },
      /^SESION_REDIRECTS is not a setting; was SESSION_REDIRECTS meant\?$/,
    ],
    "a plan with an unknown field": [
      { PLANS: '[{"match":"everyone","maxKey":3}]' },
      /^PLANS: plan 1 has fields that are not known: "maxKey"/,
    ],
    "a plan with a number as text": [
      { PLANS: '[{"match":"everyone","budgetUsd":"100"}]' },
      /^PLANS: plan 1, budgetUsd must be of type number/,
    ],
    "a plan that matches nobody": [{ PLANS: '[{"match":{}}]' }, /^PLANS: plan 1, match is not valid/],
    "a default above the most": [
      { PLANS: '[{"match":"everyone","defaultKeyUsd":60}]' },
      /^PLANS: plan 1: defaultKeyUsd is more than maxKeyUsd/,
    ],
    "no plans at all": [{ PLANS: "[]" }, /^PLANS: the list of plans/],
    "plans twice": [{ PLANS: "[]", PLANS_FILE: "plans.json" }, /^PLANS and PLANS_FILE/],
    "a file of plans that is not there": [{ PLANS_FILE: "missing.json" }, /^PLANS_FILE cannot be read/],
    "a public host without its address": [{ HOST: "0.0.0.0" }, /^PUBLIC_URL is missing/],
    "a public address over http": [{ PUBLIC_URL: "http://keys.example.com" }, /^PUBLIC_URL must be an https address/],
    "half of Google's directory": [{ GOOGLE_DIRECTORY_SUBJECT: "a@example.com" }, /^GOOGLE_SA_KEY_JSON is missing/],
    "only the address of Google's directory": [
      { GOOGLE_DIRECTORY_URL: "https://admin.googleapis.com" },
      /^GOOGLE_SA_KEY_JSON is missing/,
    ],
    "a key that is no service account's": [
      { GOOGLE_SA_KEY_JSON: JSON.stringify({ ...serviceAccountKey, type: "external_account" }) },
      /^GOOGLE_SA_KEY_JSON is not the key of a service account/,
    ],
    "a key that would be signed for somebody else": [
      { GOOGLE_SA_KEY_JSON: JSON.stringify({ ...serviceAccountKey, token_uri: "https://evil.example/token" }) },
      /^GOOGLE_SA_KEY_JSON names a token_uri/,
    ],
    "such a key whose address only looks like Google's": [
      {
        GOOGLE_SA_KEY_JSON: JSON.stringify({
          ...serviceAccountKey,
          token_uri: "https://googleapis.com.evil.example/t",
        }),
      },
      /^GOOGLE_SA_KEY_JSON names a token_uri/,
    ],
    "such a key over plain http": [
      { GOOGLE_SA_KEY_JSON: JSON.stringify({ ...serviceAccountKey, token_uri: "http://oauth2.googleapis.com/token" }) },
      /^GOOGLE_SA_KEY_JSON names a token_uri/,
    ],
    "an Entra application without its secret": [
      { ENTRA_TENANT_ID: "t", ENTRA_CLIENT_ID: "c" },
      /^ENTRA_CLIENT_SECRET is missing.* leave out ENTRA_TENANT_ID\.$/,
    ],
    "every tenant at once": [
      { ENTRA_TENANT_ID: "common", ENTRA_CLIENT_ID: "c", ENTRA_CLIENT_SECRET: "s" },
      /^ENTRA_TENANT_ID must be/,
    ],
    "one secret for two doors": [{ SCIM_TOKEN: long, CRON_SECRET: long }, /^SCIM_TOKEN and CRON_SECRET are the same/],
    "a door that another secret opens": [
      { CRON_SECRET: given.OPENROUTER_MANAGEMENT_KEY },
      /^CRON_SECRET and OPENROUTER_MANAGEMENT_KEY are the same/,
    ],
    "a schedule with seconds": [{ NIGHTLY_SCHEDULE: "0 15 2 * * *" }, /^NIGHTLY_SCHEDULE must be/],
    "a mode that does not exist": [{ NIGHTLY_MODE: "dry" }, /^NIGHTLY_MODE must be/],
    "a host that only looks like this machine": [
      { OIDC_ISSUER: "http://127.0.0.1@evil.example" },
      /^OIDC_ISSUER must be/,
    ],
  };
  for (const [name, [environment, fault]] of Object.entries(cases)) {
    it(`refuse ${name}`, () => {
      const faults = faultsOf(environment);
      assert.equal(faults.length, 1);
      assert.match(faults[0] ?? "", fault);
    });
  }
});
