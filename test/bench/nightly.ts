import { generateKeyPairSync } from "node:crypto";

import postgres from "postgres";

import type { Line } from "./report.ts";
import { line } from "./report.ts";
import type { Scene, Stage } from "./stage.ts";

const delayMs = 50;
const cronSecret = "bench-secret-of-at-least-thirty-two-characters";
const run = {
  method: "POST",
  path: "/v1/cron/nightly",
  headers: { Authorization: `Bearer ${cronSecret}` },
} as const;

interface Summary {
  readonly checked: number;
  readonly active: number;
  readonly revoked: number;
  readonly failed: number;
  readonly partial: boolean;
}

/** The scheduled trigger: a company of whom nobody has left, one of whom everybody has, and one of any size. */
export async function measureNightly(stage: Stage): Promise<readonly Line[]> {
  return [
    ...(await nobodyGone(stage, 1_000, { most: 1 }, 5)),
    ...(await nobodyGone(stage, 10_000, { most: 5 }, 30)),
    ...(await everybodyGone(stage, "1,000 gone, with a key each", 0, { most: 6 })),
    ...(await everybodyGone(stage, "the same, OpenRouter answering 429 above 50 calls a second", 50, undefined)),
    ...(await memory(stage)),
  ];
}

async function open(stage: Stage, people: number): Promise<Scene> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return stage.open(
    { people, keysEach: 1 },
    {
      CRON_SECRET: cronSecret,
      NIGHTLY_MODE: "enforce",
      NIGHTLY_MIN_INTERVAL_SECONDS: "0",
      GOOGLE_DIRECTORY_URL: stage.origin,
      DIRECTORY_CANARY: "1",
      GOOGLE_SA_KEY_JSON: JSON.stringify({
        type: "service_account",
        client_email: "bench@project.iam.gserviceaccount.com",
        private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
        token_uri: `${stage.origin}/token`,
      }),
    },
  );
}

async function nobodyGone(
  stage: Stage,
  people: number,
  target: { readonly most: number },
  mostCalls: number,
): Promise<readonly Line[]> {
  const scene = await open(stage, people);
  try {
    const mark = await markOf(scene.databaseUrl);
    const seconds: number[] = [];
    const asked: number[] = [];
    let told = "";
    for (let night = 0; night < 6; night += 1) {
      await stage.order({ delayMs, keys: people, spentUsd: 0, mark, people, gone: 0, mostASecond: 0 });
      const begun = performance.now();
      const summary = await trigger(scene);
      seconds.push((performance.now() - begun) / 1000);
      expectOf(summary, { checked: people, active: people, revoked: 0, failed: 0, partial: false });
      const calls = await stage.calls();
      asked.push(countOf(calls, "Google"));
      told = Object.entries(calls)
        .map(([route, times]) => `${times} × ${route}`)
        .join(", ");
    }
    const name = `nightly run of ${people.toLocaleString("en-US")} people, nobody gone`;
    // The first is of a function that has just started, with everybody new to it.
    return [
      line(`${name}: the first after a start`, "s", seconds.slice(0, 1)),
      line(name, "s", seconds.slice(1), target, told),
      line(`${name}: calls to the directory`, "calls", asked, { most: mostCalls }),
    ];
  } finally {
    await scene.close();
  }
}

/** Everybody but the first, who approves the list and is the canary. */
async function everybodyGone(
  stage: Stage,
  what: string,
  mostASecond: number,
  target: { readonly most: number } | undefined,
): Promise<readonly Line[]> {
  const people = 1_001;
  const seconds: number[] = [];
  const left: number[] = [];
  let told = "";
  for (let time = 0; time < (mostASecond === 0 ? 3 : 1); time += 1) {
    const scene = await open(stage, people);
    try {
      const orders = { delayMs, keys: people, spentUsd: 0, mark: await markOf(scene.databaseUrl), people, mostASecond };
      await stage.order({ ...orders, gone: 0, mostASecond: 0 });
      await trigger(scene);
      await approveEverybody(scene.databaseUrl);
      await stage.order({ ...orders, gone: people - 1 });
      const begun = performance.now();
      let wrong = 0;
      for (let runs = 0; ; runs += 1) {
        const summary = await trigger(scene);
        const rows = await revokedRows(scene.databaseUrl);
        const disabled = new Set(await stage.disabled());
        wrong += rows.filter((hash) => !disabled.has(hash)).length;
        if (rows.length === people - 1 && summary.failed === 0) break;
        if (mostASecond === 0 || runs === 20) throw new Error(`Only ${rows.length} keys were revoked.`);
      }
      seconds.push((performance.now() - begun) / 1000);
      left.push(wrong);
      told = Object.entries(await stage.calls())
        .map(([route, times]) => `${times} × ${route}`)
        .join(", ");
    } finally {
      await scene.close();
    }
  }
  return [
    line(`nightly run, ${what}`, "s", seconds, target, told),
    line(`nightly run, ${what}: called revoked and not disabled`, "calls", left, { most: 0 }),
  ];
}

async function memory(stage: Stage): Promise<readonly Line[]> {
  const peaks: number[] = [];
  for (const people of [1_000, 100_000]) {
    const scene = await open(stage, people);
    try {
      const mark = await markOf(scene.databaseUrl);
      await stage.order({ delayMs: 0, keys: people, spentUsd: 0, mark, people, gone: 0, mostASecond: 0 });
      const peak = scene.watchMemory();
      const summary = await trigger(scene);
      expectOf(summary, { checked: people, active: people, revoked: 0, failed: 0, partial: false });
      peaks.push(await peak());
    } finally {
      await scene.close();
    }
  }
  const [small = Number.NaN, large = Number.NaN] = peaks;
  return [
    line("nightly run of 1,000 people: most memory", "MB", [small]),
    line("nightly run of 100,000 people: most memory", "MB", [large]),
    line("nightly run, memory of 100,000 people against 1,000", "×", [large / small], { most: 1.5 }),
  ];
}

async function trigger(scene: Scene): Promise<Summary> {
  return Object(await scene.product.read(run));
}

function expectOf(summary: Summary, expected: Summary): void {
  for (const [name, value] of Object.entries(expected)) {
    const found: unknown = Object.getOwnPropertyDescriptor(summary, name)?.value;
    if (found !== value) throw new Error(`The run says ${name}: ${String(found)} instead of ${String(value)}.`);
  }
}

function countOf(calls: Readonly<Record<string, number>>, service: string): number {
  return Object.entries(calls).reduce((sum, [route, times]) => sum + (route.startsWith(service) ? times : 0), 0);
}

async function inDatabase<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** What the deployment writes into the names of its keys. */
async function markOf(url: string): Promise<string> {
  const mark = "0123abcd";
  await inDatabase(url, async (sql) => {
    await sql`insert into deployment (id, mark, created_at) values (1, ${mark}, now()) on conflict do nothing`;
  });
  return inDatabase(url, async (sql) => {
    const [row] = await sql<{ mark: string }[]>`select mark from deployment`;
    return row?.mark ?? mark;
  });
}

async function approveEverybody(url: string): Promise<void> {
  await inDatabase(url, async (sql) => {
    await sql`
      insert into nightly_runs (id, started_at, ended_at, mode, counts, candidates, candidates_hash, alerts, approved_by, approved_at)
      select gen_random_uuid(), now(), now(), 'enforce', '{}',
        (select json_agg(json_build_object('ownerId', id, 'email', email, 'evidence', '')) from owners where subject <> '1'),
        'bench', '[]', (select id from owners where subject = '1'), now()`;
  });
}

function revokedRows(url: string): Promise<readonly string[]> {
  return inDatabase(url, async (sql) => {
    const rows = await sql<{ hash: string }[]>`select upstream_hash as hash from keys where phase = 'revoked'`;
    return rows.map(({ hash }) => hash);
  });
}
