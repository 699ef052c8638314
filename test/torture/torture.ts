import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import type { Database } from "../../functions/adapters/postgres/database.ts";
import { faultsAtRest, faultsNow, readBooks } from "../support/books.ts";
import { createKit } from "../support/function.ts";
import type { Mortal, Person, World } from "../support/mortal.ts";
import { createWorld, startMortal } from "../support/mortal.ts";
import type { Fault } from "../support/openrouter/fault-rules.ts";

export interface TortureOptions {
  readonly opened: { readonly stores: Stores; readonly database: Database };
  readonly seed: number;
  /** Asked between rounds. */
  readonly isOver: (rounds: number) => boolean;
}

export interface Outcome {
  readonly rounds: number;
  /** What was broken, and how often. */
  readonly broken: ReadonlyMap<string, number>;
  /** The invariants that did not hold, in sentences; the campaign ends at the first round that has any. */
  readonly found: readonly string[];
}

const minute = 60_000;
const budgetUsd = 60;

/**
 * Several people and an administrator do what comes to mind, a few of them at once, over processes that die and an
 * OpenRouter that fails; then everything is mended and left to settle, and the books are read. The choices follow from
 * the seed; how requests of one round interleave does not.
 */
export async function torture({ opened, seed, isOver }: TortureOptions): Promise<Outcome> {
  const plan = { match: "everyone", maxKeys: 3, budgetUsd, maxKeyUsd: 40, createsPerHour: 100_000 };
  const world = await createWorld(opened, { ADMIN_EMAILS: "admin@example.com", PLANS: JSON.stringify([plan]) });
  const chance = createChance(seed);
  const broken = new Map<string, number>();
  const found: string[] = [];
  let rounds = 0;
  try {
    for (; found.length === 0 && !isOver(rounds); rounds += 1) {
      const admin = await world.enter("admin@example.com");
      const people = await Promise.all([0, 1, 2].map((n) => world.enter(`person-${rounds}-${n}@example.com`)));
      const spent = new Map<string, number>();
      const leavers = new Set<string>();
      for (let turn = 0; turn < 6; turn += 1) {
        breakSomething(world, chance, broken);
        const owner = chance.of(people);
        await Promise.all([1, 2, 3].map(() => act(world, chance, owner, admin, broken)));
        world.openRouter.faults.reset();
        spend(world, chance, owner, spent);
        world.advance(chance.of([0, 1_000, 40_000, 2 * minute]));
        if (chance.below(10) === 0) leave(world, owner, leavers);
        if (chance.below(3) === 0)
          await startMortal(world)
            .settleDue()
            .catch(() => undefined);
        if (chance.below(4) === 0) await runNightly(world, chance, broken);
      }
      // Twice: what the first finds free, the second may need.
      for (let settling = 0; settling < 2; settling += 1) {
        world.advance(3 * minute);
        await startMortal(world).settleDue();
        if (leavers.size > 0) await startMortal(world).runNightly();
      }
      for (const owner of people) {
        const books = await readBooks(world, owner.id);
        const mine = new Set(books.rows.map((row) => row.upstreamHash));
        const ceiling = {
          budgetCents: budgetUsd * 100,
          spent: new Map([...spent].filter(([hash]) => mine.has(hash))),
          now: world.now(),
        };
        const faults = [...faultsNow(books, ceiling), ...faultsAtRest(books, ceiling)];
        if (books.isBlocked !== leavers.has(owner.id)) {
          faults.push(books.isBlocked ? "works here, and was taken for a leaver" : "has left, and was not found");
        }
        found.push(...faults.map((fault) => `round ${rounds}, ${owner.email}: ${fault}`));
        await world.forget(owner.id, books);
      }
    }
    return { rounds, broken, found };
  } finally {
    await world.stop();
  }
}

function leave(world: World, { id, email }: Person, leavers: Set<string>): void {
  leavers.add(id);
  world.google.users.set(email, { id: email, primaryEmail: email, suspended: true });
}

/** The scheduled trigger, which may die on its way, while OpenRouter is whole or not. */
async function runNightly(world: World, chance: Chance, broken: Map<string, number>): Promise<void> {
  breakSomething(world, chance, broken);
  const last = chance.below(60);
  const side = chance.of(["before", "after"] as const);
  const crash = (step: number) => (step === last ? side : undefined);
  const summary = await startMortal(world, { crash })
    .runNightly()
    .catch(() => undefined);
  if (summary === undefined) count(broken, `nightly run killed ${side} a step`);
  world.openRouter.faults.reset();
}

interface Chance {
  readonly below: (limit: number) => number;
  readonly of: <T>(choices: readonly [T, ...T[]] | readonly T[]) => T;
}

/** Mulberry32: small, and the same everywhere. */
function createChance(seed: number): Chance {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return {
    below,
    of(choices) {
      const choice = choices[below(choices.length)];
      if (choice === undefined) throw new Error("There is nothing to choose from.");
      return choice;
    },
  };
}

const faults: readonly Fault[] = [
  { kind: "status", status: 502, when: "after" },
  { kind: "status", status: 503, when: "before" },
  { kind: "drop", when: "after" },
  { kind: "drop", when: "before" },
  { kind: "html", status: 200, when: "after" },
  { kind: "html", status: 403, when: "after" },
  { kind: "truncated", end: "clean" },
  { kind: "truncated", end: "broken" },
  { kind: "odd-json", body: { unexpected: [] } },
  { kind: "rate-limit", retryAfter: 1 },
];

function breakSomething(world: World, chance: Chance, broken: Map<string, number>): void {
  if (chance.below(2) === 0) return;
  const fault = chance.of(faults);
  const method = chance.of(["GET", "POST", "PATCH", "DELETE"] as const);
  world.openRouter.faults.add({ method, path: "/keys/**", times: 1 + chance.below(3), fault });
  count(broken, `${method} answered by ${fault.kind}${"when" in fault ? ` ${fault.when} it was done` : ""}`);
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

/** One wish, over a process that may die and asked again over others, as often as the person feels like. */
async function act(
  world: World,
  chance: Chance,
  owner: Person,
  admin: Person,
  broken: Map<string, number>,
): Promise<void> {
  const wish = await think(world, chance, owner, admin);
  if (wish === undefined) return;
  const last = chance.below(24);
  const side = chance.of(["before", "after"] as const);
  const tries = 1 + chance.below(3);
  let hasDied = false;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const crash = (step: number) => (attempt === 0 && step === last ? side : undefined);
    const answer = await wish(startMortal(world, { crash }));
    if (answer === undefined && !hasDied) {
      hasDied = true;
      count(broken, `process killed ${side} a step`);
    }
    if (answer !== undefined && answer.retryAfter === 0) return;
  }
}

type Wish = (process: Mortal) => ReturnType<Mortal["call"]>;

async function think(world: World, chance: Chance, owner: Person, admin: Person): Promise<Wish | undefined> {
  const choice = chance.below(10);
  const { rows, raises } = await readBooks(world, owner.id);
  const kit = await createKit();
  const headers = kit.headers;
  const row = rows.length === 0 ? undefined : rows[chance.below(rows.length)];
  const path = `/v1/keys/${row?.id ?? ""}`;
  if (row === undefined || choice < 3) {
    const body = { name: "key", limitUsd: 5 + chance.below(36), recipient: kit.recipient };
    return (process) => process.call(owner, "POST", "/v1/keys", { body, headers });
  }
  switch (choice) {
    case 3: {
      const body = { recipient: kit.recipient, graceSeconds: chance.below(120) };
      return (process) => process.call(owner, "POST", `${path}/rotate`, { body, headers });
    }
    case 4:
      return (process) => process.call(owner, "DELETE", path);
    case 5:
      return (process) => process.call(owner, "PATCH", path, { body: { disabled: true } });
    case 6:
      return (process) => process.call(owner, "PATCH", path, { body: { name: `key ${chance.below(9)}` } });
    case 7: {
      const until = new Date(world.now() + (1 + chance.below(5)) * minute).toISOString();
      const body = { keyId: row.id, limitUsd: 45, until, reason: "A job." };
      return (process) => process.call(owner, "POST", "/v1/raises", { body });
    }
    case 8: {
      const raise = raises.find(({ state }) => state === "waiting");
      if (raise === undefined) return undefined;
      const body = { decision: chance.of(["approve", "approve", "refuse"]) };
      return (process) => process.call(admin, "POST", `/v1/admin/raises/${raise.id}`, { body });
    }
    default:
      return (process) => process.call(owner, "GET", "/v1/keys");
  }
}

function spend(world: World, chance: Chance, owner: Person, spent: Map<string, number>): void {
  for (const key of world.openRouter.keys()) {
    const left = key.limit_remaining ?? 0;
    if (!key.name.includes(`(${owner.email})`) || left < 2 || chance.below(2) === 0) continue;
    world.openRouter.spend(key.hash, 1);
    spent.set(key.hash, (spent.get(key.hash) ?? 0) + 1);
  }
}
