import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { build } from "esbuild";
import postgres from "postgres";

import { connectEmbedded, connectPostgres } from "../../functions/adapters/postgres/connect.ts";
import { bundleFunction, removeBundle } from "../support/function-process.ts";
import { bundleWorker, startWorkerd } from "../support/workerd.ts";
import { rateOf } from "./load.ts";
import { startServer } from "./processes.ts";
import type { Line } from "./report.ts";
import { line } from "./report.ts";
import { rounds } from "./rounds.ts";
import type { Stage } from "./stage.ts";
import { createCallers, mostInFlight } from "./stage.ts";

const settings = {
  PORT: "0",
  OPENROUTER_MANAGEMENT_KEY: "bench",
  OIDC_ISSUER: "https://issuer.example.com",
  OIDC_CLIENT_ID: "bench",
  OIDC_CLIENT_SECRET: "bench",
  ALLOWED_DOMAINS: "example.com",
};

/** From the start of a process to its first answer, which needs the database; each beside as bare a one as can be. */
export async function measureStart(stage: Stage): Promise<readonly Line[]> {
  const databaseUrl = await stage.createDatabase();
  const folder = await mkdtemp(join(tmpdir(), "openrouter-keys-bench-"));
  const bundle = await bundleFunction();
  const bare = await bundleBare();
  try {
    await (await connectPostgres(databaseUrl, 1)).close();
    await (await connectEmbedded(folder)).close();
    const onServer = { ...settings, DATABASE_URL: databaseUrl };
    const embedded = { ...settings, DATA_DIR: folder };
    const times = await rounds(9, {
      server: () => firstAnswer(bundle.server, onServer),
      bareServer: () => firstAnswer(bare.program, onServer),
      embedded: () => firstAnswer(bundle.server, embedded),
      bareEmbedded: () => firstAnswer(bare.program, embedded),
    });
    const share = (own: readonly number[], floor: readonly number[]) =>
      own.map((time, index) => time / (floor[index] ?? Number.NaN));
    return [
      line("start to first answer, PostgreSQL: bare Hono", "ms", times.bareServer),
      line("start to first answer, PostgreSQL", "ms", times.server),
      line("start, PostgreSQL: against bare", "×", share(times.server, times.bareServer), { most: 1.5 }),
      line("start to first answer, PGlite: bare Hono", "ms", times.bareEmbedded),
      line("start to first answer, PGlite", "ms", times.embedded),
      line("start, PGlite: against bare", "×", share(times.embedded, times.bareEmbedded), { most: 1.5 }),
    ];
  } finally {
    await Promise.all([removeBundle(), bare.remove(), rm(folder, { recursive: true, force: true })]);
  }
}

async function firstAnswer(program: string, environment: Readonly<Record<string, string>>): Promise<number> {
  const begun = performance.now();
  const server = await startServer(program, environment);
  try {
    return await healthFrom(server.url, begun);
  } finally {
    await server.stop();
  }
}

async function healthFrom(url: string, begun: number): Promise<number> {
  const answer = await fetch(`${url}/v1/health`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`It was not well at its start: ${text}`);
  return performance.now() - begun;
}

/** As the function is bundled, so that both are read from as few files. */
async function bundleBare() {
  const folder = await mkdtemp(join("node_modules", ".bench-bare-"));
  await build({
    entryPoints: ["test/bench/bare.ts"],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
    external: ["@electric-sql/pglite"],
  });
  return { program: join(folder, "bare.mjs"), remove: () => rm(folder, { recursive: true, force: true }) };
}

const bareWorker = 'export default { fetch: () => new Response("{}") };';

/** The first answer of a workerd that has just started: the Worker is read and run for it. */
export async function measureWorkerd(stage: Stage): Promise<readonly Line[]> {
  const databaseUrl = await stage.createDatabase();
  await (await connectPostgres(databaseUrl, 1)).close();
  const contents = await bundleWorker();
  const first = async (worker: string) => {
    const started = await startWorkerd({ contents: worker, databaseUrl, bindings: settings, port: 0 });
    try {
      return await healthFrom(started.url, performance.now());
    } finally {
      await started.stop();
    }
  };
  const times = await rounds(7, { own: () => first(contents), bare: () => first(bareWorker) });
  return [
    line("workerd, first answer after its start: a Worker that does nothing", "ms", times.bare),
    line("workerd, first answer after its start, with the database", "ms", times.own, { most: 150 }),
  ];
}

const people = 400;
const entries = 1_000_000;

/** Creates on a database that has run for years, beside a new one. */
export async function measureRecord(stage: Stage): Promise<readonly Line[]> {
  const callers = await createCallers(people);
  const young = await stage.open({ people, keysEach: 5 });
  try {
    const old = await stage.open({ people, keysEach: 5 });
    try {
      await seedRecord(old.databaseUrl);
      await stage.order({ delayMs: 0, keys: 0, spentUsd: 0 });
      for (const { product } of [young, old]) {
        await rateOf(mostInFlight, 4_000, () => product.time(callers.create()));
      }
      const rates = await rounds(12, {
        young: () => rateOf(mostInFlight, 700, () => young.product.time(callers.create())),
        old: () => rateOf(mostInFlight, 700, () => old.product.time(callers.create())),
      });
      const shares = rates.old.map((rate, index) => rate / (rates.young[index] ?? Number.NaN));
      return [
        line(`create, ${mostInFlight} in flight, empty record`, "/s", rates.young),
        line(`create, ${mostInFlight} in flight, a million entries in the record`, "/s", rates.old),
        line("create, a million entries against none", "×", shares, { least: 0.9 }),
      ];
    } finally {
      await old.close();
    }
  } finally {
    await young.close();
  }
}

async function seedRecord(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  try {
    await sql`
      insert into audit (at, actor_kind, actor_id, actor_label, verb, target_id, owner_id, before, after, request_id)
      select now() - n * interval '1 minute', 'owner', o.id, o.email, 'key.create', gen_random_uuid()::text, o.id, null,
        '{"name": "laptop", "reset": "monthly", "limitUsd": 25}'::jsonb, gen_random_uuid()
      from generate_series(1, ${entries}::int) n
      join owners o on o.subject = (1 + n % ${people}::int)::text`;
    await sql`vacuum analyze`;
  } finally {
    await sql.end();
  }
}
