import assert from "node:assert/strict";
import { access, readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import { Validator } from "@seriousme/openapi-schema-validator";
import postgres from "postgres";
import * as z from "zod/mini";

import { paths } from "../../functions/contract/paths.ts";
import { openApi } from "../../functions/docs/openapi.ts";
import { readSettings, settingNames } from "../../functions/settings.ts";
import { copyTemplate, databaseKinds } from "../support/databases.ts";
import { call, startFunction } from "../support/function.ts";

const OpenApi = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.union([z.array(z.unknown()), z.object({ operationId: z.string(), responses: z.object({}) })]),
    ),
  ),
});

describe("the OpenAPI description", () => {
  const described = OpenApi.parse(openApi()).paths;
  const operations = Object.entries(described).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      Array.isArray(operation) ? [] : [{ path, method: method.toUpperCase(), operation }],
    ),
  );

  it("is one, by its own standard, with a name for each operation", async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(openApi())));
    assert.ok(valid, JSON.stringify(errors));
    const names = operations.map(({ operation }) => operation.operationId);
    assert.deepStrictEqual([...new Set(names)], names);
  });

  it("describes every path that there is, and none that is not", async () => {
    const [, server] = databaseKinds;
    const stores = await server.open();
    const running = await startFunction({
      stores,
      environment: {
        ENTRA_API_AUDIENCE: "11111111-2222-4333-8444-555555555555",
        ENTRA_TENANT_ID: "11111111-2222-4333-8444-555555555556",
      },
    });
    try {
      const strange: string[] = [];
      for (const { path, method } of operations) {
        const id = "00000000-0000-4000-8000-000000000000";
        const { status, body } = await call(running.url, method, path.replace("{id}", id));
        if (status === 404 || Object(body).detail === "There is nothing at this address.")
          strange.push(`${method} ${path}`);
      }
      assert.deepStrictEqual(strange, []);
    } finally {
      await running.stop();
      await stores.close();
    }
    const own = Object.values(paths).map((path) =>
      typeof path === "string" ? path : decodeURIComponent(path("{id}")),
    );
    // The address of the page with a code is a redirect address; SCIM has a standard of its own.
    const undescribed = own.filter((path) => !(path in described) && path !== paths.authCode && path !== paths.scim);
    assert.deepStrictEqual(undescribed, []);
  });
});

describe("the documents", () => {
  const documents = async () => [
    "README.md",
    "CONTRIBUTING.md",
    ...(await readdir("functions/docs"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => join("functions/docs", name)),
  ];
  const contents = async () =>
    Promise.all((await documents()).map(async (file) => ({ file, text: await readFile(file, "utf8") })));
  /** What the build makes, and what a person makes. */
  const made = /^(?:dist\/|functions\.env$|functions\/deploy\/functions\.env$)/;

  it("name only commands, paths, links and settings that there are", async () => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await readFile("package.json", "utf8")));
    const others = ["PUBLIC_URL", "DATABASE_URL", "OTEL_EXPORTER_OTLP_HEADERS", "HTTPS_PROXY", "POSTGRES_PASSWORD"];
    const strange: string[] = [];
    for (const { file, text } of await contents()) {
      for (const [, name = ""] of text.matchAll(/\bnpm run ([\w:-]+)/g)) {
        if (!(name in scripts)) strange.push(`${file}: npm run ${name}`);
      }
      for (const [, path = ""] of text.matchAll(/`((?:functions|test|extension|media)\/[\w./-]*\w)`/g)) {
        if (!made.test(path)) await access(path).catch(() => strange.push(`${file}: ${path}`));
      }
      for (const [, link = "", anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(#[^)]*)?\)/g)) {
        const target = link === "" ? file : join(dirname(file), link);
        const linked = await readFile(target, "utf8").catch(() => strange.push(`${file}: ${link}`));
        if (anchor !== undefined && typeof linked === "string" && !anchorsOf(linked).includes(anchor))
          strange.push(`${file}: ${link}${anchor}`);
      }
      for (const [, name = ""] of text.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=\S*)?`/g)) {
        if (![...settingNames, ...others].some((known) => known === name)) strange.push(`${file}: ${name}`);
      }
    }
    assert.deepStrictEqual(strange, []);
  });

  it("say what every setting means, once in one table", async () => {
    const readme = await readFile("README.md", "utf8");
    const rows = readme.split("\n").filter((line) => /^\| `[A-Z]/.test(line));
    const named = rows.flatMap((row) =>
      [...(row.split("|")[1] ?? "").matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
    );
    assert.deepStrictEqual([...new Set(named)].sort(), [...settingNames].sort());
  });

  it("show plans that the function takes", async () => {
    let shown = 0;
    for (const { file, text } of await contents()) {
      for (const [, json = ""] of text.matchAll(/```json\n([^`]*)```/g)) {
        if (!json.includes('"match"')) continue;
        shown += 1;
        const { plans } = readSettings({
          OPENROUTER_MANAGEMENT_KEY: "key",
          OIDC_ISSUER: "https://issuer.example",
          OIDC_CLIENT_ID: "client",
          OIDC_CLIENT_SECRET: "secret",
          ALLOWED_DOMAINS: "example.com",
          PLANS: json,
        });
        for (const plan of plans) assert.ok(plan.defaultKeyCents <= plan.budgetCents, `${file}: ${json}`);
      }
    }
    assert.equal(shown, 4);
  });

  it("give statements that the database takes", async () => {
    // As psql has it: one connection, for the whole of the transaction.
    const server = postgres(await copyTemplate(), { max: 1, onnotice: () => undefined });
    const [statement = ""] = [
      ...(await readFile("functions/docs/operations.md", "utf8")).matchAll(/```sql\n([^`]*)```/g),
    ].map(([, sql]) => sql);
    await server.unsafe(
      `insert into owners (id, issuer, subject, email, groups, created_at) values ('00000000-0000-4000-8000-000000000001', 'i', 's', 'e@example.com', '{}', now())`,
    );
    const entry = (at: string) =>
      server.unsafe(
        `insert into audit (at, actor_kind, actor_label, verb, target_id, owner_id) values (${at}, 'system', 'function', 'key.create', 'k', '00000000-0000-4000-8000-000000000001')`,
      );
    await entry("now() - interval '3 years'");
    await entry("now()");
    await assert.rejects(server.unsafe("delete from audit where at < now() - interval '2 years'"), /append-only/);
    await server.unsafe(statement);
    const [left] = await server.unsafe("select count(*)::int as entries from audit");
    await server.end();
    assert.equal(Object(left).entries, 1);
  });

  it("list every route and no other", async () => {
    const contract = await readFile("functions/docs/contract.md", "utf8");
    const named = [...contract.matchAll(/`(?:(?:GET|POST|PATCH|DELETE|PUT)\b[, `]*)+ ?(\/v1\/[^`]*)`/g)].map(
      ([, path]) => path,
    );
    const described = Object.keys(OpenApi.parse(openApi()).paths);
    assert.deepStrictEqual([...new Set(named)].sort(), described.sort());
  });
});

/** As GitHub makes them. */
function anchorsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(
    ([, title = ""]) =>
      `#${title
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-")}`,
  );
}
