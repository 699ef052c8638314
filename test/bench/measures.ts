import { measureActivation } from "./activation.ts";
import { setSpendAge } from "./company.ts";
import { measureRecord, measureStart, measureWorkerd } from "./hosts.ts";
import type { Call, Load } from "./load.ts";
import { median, rateOf } from "./load.ts";
import { measureNightly } from "./nightly.ts";
import type { Line } from "./report.ts";
import { line } from "./report.ts";
import { namesOf, rounds } from "./rounds.ts";
import type { Scene, Stage } from "./stage.ts";
import { createCallers, mostInFlight } from "./stage.ts";

const delayMs = 50;
const people = 400;
/** Until the functions that are called most are compiled; much less flatters whoever has less code. */
const warmUpMs = 6_000;

/** A group of lines that are measured together, in turns, so that whatever slows the machine down slows all of them. */
export interface Measure {
  readonly name: string;
  readonly run: (stage: Stage) => Promise<readonly Line[]>;
}

export const measures: readonly Measure[] = [
  { name: "create", run: measureCreate },
  { name: "list", run: measureList },
  { name: "admin", run: measureAdmin },
  { name: "refresh", run: measureRefresh },
  { name: "nightly", run: measureNightly },
  { name: "start", run: measureStart },
  { name: "workerd", run: measureWorkerd },
  { name: "record", run: measureRecord },
  { name: "activation", run: () => measureActivation() },
];

async function measureCreate(stage: Stage): Promise<readonly Line[]> {
  const scene = await stage.open({ people, keysEach: 5 });
  const callers = await createCallers(people);
  try {
    const { product, floor } = scene;
    await stage.order({ delayMs: 0, keys: 0, spentUsd: 0 });
    for (const load of [product, floor]) await rateOf(mostInFlight, warmUpMs, () => load.time(callers.create()));

    const rates = await rounds(12, {
      product: () => rateOf(mostInFlight, 700, () => product.time(callers.create())),
      floor: () => rateOf(mostInFlight, 700, () => floor.time(callers.create())),
    });
    const shares = rates.product.map((rate, index) => rate / (rates.floor[index] ?? Number.NaN));
    const bare = await quick(floor, { method: "GET", path: "/bare" });
    const lookup = await quick(floor, { method: "GET", path: "/lookup" });

    await stage.order({ delayMs, keys: 0, spentUsd: 0 });
    const counted = await countCalls(stage, product, callers.create());
    const times = await p50s(6, 12, {
      product: () => product.time(callers.create()),
      floor: () => floor.time(callers.create()),
      upstream: () => stage.upstream.time(post),
    });
    return [
      line("bare Hono, p50", "ms", bare),
      line("one indexed lookup, p50", "ms", lookup),
      line(`one upstream call at ${delayMs} ms, p50`, "ms", times.upstream),
      line(`create at ${delayMs} ms: by hand, over the delay, p50`, "ms", times.floor.map(overDelay)),
      line(`create at ${delayMs} ms: over the delay, p50`, "ms", times.product.map(overDelay), { most: 6 }, counted),
      line(`create, ${mostInFlight} in flight: by hand`, "/s", rates.floor),
      line(`create, ${mostInFlight} in flight`, "/s", rates.product),
      line(`create, ${mostInFlight} in flight: share of by hand`, "×", shares, { least: 0.66 }),
    ];
  } finally {
    await scene.close();
  }
}

const post: Call = { method: "POST", path: "/api/v1/keys", body: JSON.stringify({ name: "laptop", limit: 1 }) };

async function measureList(stage: Stage): Promise<readonly Line[]> {
  const callers = await createCallers(people);
  const scenes = await openBoth(stage, [1_250, 12_500], 4);
  try {
    const [small, large] = scenes;
    await stage.order({ delayMs, keys: 0, spentUsd: 0 });
    for (const { product, floor } of scenes) {
      for (const load of [product, floor]) await rateOf(8, warmUpMs / 4, () => load.time(callers.list()));
    }
    await stage.calls();
    const counted = await countCalls(stage, large.product, callers.list());
    const times = await p50s(6, 14, {
      floor: () => large.floor.time(callers.list()),
      small: () => small.product.time(callers.list()),
      large: () => large.product.time(callers.list()),
    });
    const growth = times.large.map((time, index) => time / (times.small[index] ?? Number.NaN));
    return [
      line("own list of 50,000 keys: by hand, over one delay, p50", "ms", times.floor.map(overDelay)),
      line("own list of 5,000 keys: over one delay, p50", "ms", times.small.map(overDelay), { most: 6 }),
      line("own list of 50,000 keys: over one delay, p50", "ms", times.large.map(overDelay), { most: 6 }, counted),
      line("own list, 50,000 keys against 5,000", "×", growth, { most: 1.1 }),
    ];
  } finally {
    await closeAll(scenes);
  }
}

async function measureAdmin(stage: Stage): Promise<readonly Line[]> {
  const callers = await createCallers(people);
  const scenes = await openBoth(stage, [400, 40_000], 2.5);
  try {
    const [small, large] = scenes;
    await stage.order({ delayMs, keys: 0, spentUsd: 0 });
    for (const { product, floor } of scenes) {
      for (const load of [product, floor]) await rateOf(4, warmUpMs / 4, () => load.time(callers.adminPage()));
    }
    await stage.calls();
    const counted = await countCalls(stage, large.product, callers.adminPage());
    const times = await p50s(8, 40, {
      floor: () => large.floor.time(callers.adminPage()),
      small: () => small.product.time(callers.adminPage()),
      large: () => large.product.time(callers.adminPage()),
    });
    const growth = times.large.map((time, index) => time / (times.small[index] ?? Number.NaN));
    return [
      line("admin's first page of 100,000 keys: by hand, p50", "ms", times.floor),
      line("admin's first page of 1,000 keys, p50", "ms", times.small),
      line("admin's first page of 100,000 keys, p50", "ms", times.large, undefined, counted),
      line("admin's first page, 100,000 keys against 1,000", "×", growth, { most: 1.5 }),
    ];
  } finally {
    await closeAll(scenes);
  }
}

async function measureRefresh(stage: Stage): Promise<readonly Line[]> {
  const keys = 5_000;
  const callers = await createCallers(people);
  const scene = await stage.open({ people: 1_250, keysEach: 4 });
  try {
    const { product, floor, databaseUrl } = scene;
    let spentUsd = 0;
    /** The whole request of an administrator who comes when the spend is old. */
    const refresh = async (isSpent: boolean) => {
      if (isSpent) spentUsd += 0.01;
      await setSpendAge(databaseUrl, 2);
      await stage.order({ delayMs, keys, spentUsd });
      return (await product.time(callers.adminPage())) / 1000;
    };
    const byHand = async () => {
      spentUsd += 0.01;
      await stage.order({ delayMs, keys, spentUsd });
      return (await floor.time({ method: "GET", path: `/refresh?pages=${keys / 100}` })) / 1000;
    };
    for (let index = 0; index < 3; index += 1) {
      await refresh(true);
      await byHand();
    }
    await stage.calls();
    await refresh(true);
    const counted = describeCalls(await stage.calls());
    const times = await rounds(9, { byHand, spent: () => refresh(true), idle: () => refresh(false) });
    return [
      line(`refresh of ${count(keys)} keys, all with new spend: by hand`, "s", times.byHand),
      line(`refresh of ${count(keys)} keys, all with new spend`, "s", times.spent, { most: 0.45 }, counted),
      line(`refresh of ${count(keys)} keys, none with new spend`, "s", times.idle, { most: 0.45 }),
    ];
  } finally {
    await scene.close();
  }
}

async function openBoth(
  stage: Stage,
  [few, many]: readonly [number, number],
  keysEach: number,
): Promise<readonly [Scene, Scene]> {
  const small = await stage.open({ people: few, keysEach });
  try {
    return [small, await stage.open({ people: many, keysEach })];
  } catch (error) {
    await small.close();
    throw error;
  }
}

async function closeAll(scenes: readonly Scene[]): Promise<void> {
  await Promise.all(scenes.map((scene) => scene.close()));
}

/** The p50 of each round; call by call in turns, so that a busy moment of the machine meets all alike. */
async function p50s<Name extends string>(
  times: number,
  calls: number,
  subjects: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = namesOf(subjects);
  const figures = names.map((name) => ({ name, p50s: new Array<number>() }));
  for (let round = 0; round < times; round += 1) {
    const taken = await rounds(calls, subjects);
    for (const { name, p50s } of figures) p50s.push(median(taken[name]));
  }
  return Object.fromEntries(figures.map(({ name, p50s }) => [name, p50s])) as Record<Name, number[]>;
}

async function quick(load: Load, call: Call): Promise<number[]> {
  const { time } = await p50s(6, 150, { time: () => load.time(call) });
  return time;
}

function overDelay(milliseconds: number): number {
  return milliseconds - delayMs;
}

async function countCalls(stage: Stage, load: Load, call: Call): Promise<string> {
  await load.time(call);
  return describeCalls(await stage.calls());
}

function describeCalls(calls: Readonly<Record<string, number>>): string {
  const counted = Object.entries(calls).map(([route, times]) => `${times} × ${route}`);
  return counted.length === 0 ? "none" : counted.join(", ");
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}
