import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

import { parse as parseJsonc } from "jsonc-parser";
import { parse as parseYaml } from "yaml";
import * as z from "zod/mini";

import { settingNames } from "../../../functions/settings.ts";
import { emptyDatabase } from "../../support/databases.ts";
import { call } from "../../support/function.ts";
import { startFunctionProcess } from "../../support/function-process.ts";

const run = promisify(execFile);
const folder = "functions/deploy";
const read = (name: string) => readFile(join(folder, name), "utf8");
/** Settings of other programs. */
const others = ["POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "HTTPS_PROXY"];

describe("the one file for Node", function () {
  this.timeout(90_000);
  let alone: string;
  let program: string;
  const settings = {
    OPENROUTER_MANAGEMENT_KEY: "planted-management-key",
    OPENROUTER_BASE_URL: "http://127.0.0.1:9/api/v1",
    OIDC_ISSUER: "http://127.0.0.1:9",
    OIDC_CLIENT_ID: "client",
    OIDC_CLIENT_SECRET: "planted-client-secret",
    ALLOWED_DOMAINS: "example.com",
  };

  before(async () => {
    alone = await mkdtemp(join(tmpdir(), "openrouter-keys-alone-"));
    await run(process.execPath, ["esbuild.config.mjs", "--one-file", alone]);
    program = join(alone, "openrouter-keys.mjs");
    // As an image's read-only file system; what root may write all the same is looked for below.
    await chmod(alone, 0o555);
  });
  after(async () => {
    await chmod(alone, 0o755);
    await rm(alone, { recursive: true });
  });

  async function end(verb: string, environment: Readonly<Record<string, string>>) {
    const child = spawn(process.execPath, [program, verb], {
      cwd: alone,
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, said: out + errors };
  }

  it("migrates, serves, is looked after, and ends on SIGTERM, with nothing beside it and writing nothing", async () => {
    const withDatabase = { ...settings, DATABASE_URL: await emptyDatabase() };
    const migrated = await end("migrate", withDatabase);
    assert.deepStrictEqual([migrated.code, /"event":"migrated"/.test(migrated.said)], [0, true], migrated.said);
    const serving = await startFunctionProcess({ ...withDatabase, PORT: "0" }, program, ["serve"]);
    const health = await call(serving.url, "GET", "/v1/health");
    const [nightly, doctor] = [await end("nightly", withDatabase), await end("doctor", withDatabase)];
    const code = await serving.terminate();
    assert.deepStrictEqual(
      [health.status, code, nightly.code, doctor.code, await readdir(alone)],
      [200, 0, 0, 1, ["openrouter-keys.mjs"]],
      nightly.said,
    );
    assert.match(doctor.said, /✔ Database in DATABASE_URL: .* is up to date\./);
    assert.match(doctor.said, /✘ OPENROUTER_MANAGEMENT_KEY: OpenRouter did not answer/);
    assert.doesNotMatch(doctor.said, /planted/);
  });

  it("says what is not in it, and what it can be told to do", async () => {
    const [embedded, unknown] = [await end("serve", settings), await end("dance", {})];
    assert.deepStrictEqual([embedded.code, unknown.code], [1, 1]);
    assert.match(embedded.said, /^The embedded database and OpenTelemetry are not in the one file: set DATABASE_URL/);
    assert.match(unknown.said, /^Say one of: serve, nightly, migrate, doctor\./);
  });
});

describe("the files for a deployment", () => {
  it("name no setting that does not exist and no path that is not there", async () => {
    const strange: string[] = [];
    for (const file of await readdir(folder)) {
      const content = await read(file);
      for (const [name] of content.matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g)) {
        if (![...settingNames, ...others].includes(name) && !name.startsWith("AF_")) strange.push(`${file}: ${name}`);
      }
      for (const [path] of content.matchAll(/\bfunctions\/[\w./-]*\w/g)) {
        if (!/\bdist\//.test(content.slice(content.indexOf(path) - 6, content.indexOf(path)))) {
          await access(path).catch(() => strange.push(`${file}: ${path}`));
        }
      }
    }
    assert.deepStrictEqual(strange, []);
  });

  it("build an image that is no administrator and has one file", async () => {
    const lines = (await read("Dockerfile")).split("\n").filter((line) => /^[A-Z]+ /.test(line));
    const stages = lines.flatMap((line, index) => (line.startsWith("FROM ") ? [index] : []));
    const last = lines.slice(stages.at(-1));
    const copied = lines.flatMap((line) => (/^COPY (?!--from)(.*) \S+$/.exec(line)?.[1] ?? "").split(" "));
    for (const source of copied.filter((each) => each !== "")) await access(source);
    assert.deepStrictEqual(
      {
        from: lines.filter((line) => line.startsWith("FROM ")).map((line) => line.split(" ")[1]),
        copies: last.filter((line) => line.startsWith("COPY ")),
        user: last.filter((line) => line.startsWith("USER ")),
        fetches: lines.filter((line) => /\b(?:curl|wget|apt-get|apk|git clone)\b/.test(line)),
      },
      {
        from: ["node:24-bookworm-slim", "node:24-bookworm-slim"],
        copies: ["COPY --from=build /build/out/openrouter-keys.mjs /app/openrouter-keys.mjs"],
        user: ["USER node"],
        fetches: [],
      },
    );
  });

  it("give the function what it needs and no more, in compose and in systemd", async () => {
    const Compose = z.object({
      services: z.object({
        function: z.object({
          read_only: z.literal(true),
          cap_drop: z.tuple([z.literal("ALL")]),
          ports: z.array(z.string().check(z.startsWith("127.0.0.1:"))),
          stop_grace_period: z.literal("45s"),
          build: z.object({ context: z.string(), dockerfile: z.string() }),
        }),
        database: z.object({ image: z.string(), volumes: z.array(z.string()) }),
      }),
    });
    const { services } = Compose.parse(parseYaml(await read("compose.yaml")));
    await access(join(folder, services.function.build.context, services.function.build.dockerfile));
    const unit = (await read("openrouter-keys.service")).split("\n").filter((line) => !line.startsWith("#"));
    assert.ok(unit.every((line) => line === "" || /^\[(?:Unit|Service|Install)\]$|^[A-Z]\w+=.*$/.test(line)));
    for (const line of ["DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "TimeoutStopSec=45"]) {
      assert.ok(unit.includes(line), line);
    }
  });

  it("deploy to Cloudflare what the build makes, with secrets as secrets", async () => {
    const errors: never[] = [];
    const Wrangler = z.object({
      main: z.literal("../../dist/functions/cloudflare.js"),
      compatibility_date: z.literal("2026-06-01"),
      compatibility_flags: z.tuple([z.literal("nodejs_compat")]),
      triggers: z.object({ crons: z.array(z.string()) }),
      hyperdrive: z.tuple([z.object({ binding: z.literal("HYPERDRIVE"), id: z.string() })]),
      vars: z.record(z.string(), z.string()),
    });
    const config = Wrangler.parse(parseJsonc(await read("wrangler.jsonc"), errors, { allowTrailingComma: true }));
    const names = Object.keys(config.vars);
    assert.deepStrictEqual(
      [errors, names.filter((name) => /SECRET|KEY|TOKEN|DATABASE/.test(name)), names.length > 3],
      [[], [], true],
    );
  });
});
