/**
 * OpenRouter tells a key what it has spent today, this week and this month, and nothing of the days before. So each
 * day's figure is kept as it was seen last on that day. A day on which nobody looked has none, which is not zero.
 */
import * as z from "zod/mini";

/** The editor's `Memento` has this shape. */
export interface Memory {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

export interface DayOfSpend {
  /** `2026-11-24`, UTC as OpenRouter counts. */
  readonly day: string;
  /** Of each key that was looked at on that day, by the key's id. */
  readonly usd: ReadonlyMap<string, number>;
}

export interface SpendHistory {
  /** `owner`: whose keys these are; nobody else is shown them. Safe to repeat. */
  note(owner: string, at: number, keys: readonly SeenKey[]): Promise<void>;
  /** The last days, today last. */
  read(
    owner: string,
    now: number,
  ): { readonly days: readonly DayOfSpend[]; readonly names: ReadonlyMap<string, string> };
}

interface SeenKey {
  readonly keyId: string;
  /** Undefined keeps the name that is known. */
  readonly name: string | undefined;
  readonly dayUsd: number;
}

export const daysKept = 30;
const dayLength = 24 * 60 * 60_000;
/** Right after midnight OpenRouter may still answer with the day before's figure, which would stand there for ever. */
const settling = 5 * 60_000;

const Kept = z.record(z.string(), z.object({ name: z.string(), days: z.record(z.string(), z.number()) }));
type Kept = z.infer<typeof Kept>;

export function createSpendHistory(memory: Memory): SpendHistory {
  const entryOf = (owner: string): string => `spend-days ${owner}`;
  // Read anew each time: other windows write, too.
  const kept = (owner: string): Kept => Kept.safeParse(memory.get(entryOf(owner))).data ?? {};

  return {
    note: async (owner, at, keys) => {
      if (at % dayLength < settling) return;
      const before = kept(owner);
      const wanted = new Set(lastDays(at));
      const today = dayOf(at);
      const after = new Map(Object.entries(before));
      for (const { keyId, name, dayUsd } of keys) {
        const { name: known = "", days = {} } = after.get(keyId) ?? {};
        // An answer that was under way may be older than what is kept; a day's spend only grows.
        const highest = Math.max(days[today] ?? 0, dayUsd);
        after.set(keyId, { name: name ?? known, days: { ...days, [today]: highest } });
      }
      for (const [keyId, { name, days }] of after) {
        const recent = Object.entries(days).filter(([day]) => wanted.has(day));
        if (recent.length === 0) after.delete(keyId);
        else after.set(keyId, { name, days: Object.fromEntries(recent) });
      }
      const next = Object.fromEntries(after);
      if (JSON.stringify(next) !== JSON.stringify(before)) await memory.update(entryOf(owner), next);
    },
    read: (owner, now) => {
      const keys = Object.entries(kept(owner));
      const days = lastDays(now).map((day) => ({
        day,
        usd: new Map(
          keys.flatMap(([keyId, { days }]) => (days[day] === undefined ? [] : [[keyId, days[day]] as const])),
        ),
      }));
      return { days, names: new Map(keys.map(([keyId, { name }]) => [keyId, name])) };
    },
  };
}

function lastDays(now: number): readonly string[] {
  return Array.from({ length: daysKept }, (_, index) => dayOf(now - (daysKept - 1 - index) * dayLength));
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The sum of all keys; undefined on a day on which nobody looked. */
export function totalOf({ usd }: DayOfSpend): number | undefined {
  return usd.size === 0 ? undefined : [...usd.values()].reduce((sum, amount) => sum + amount, 0);
}

const levels = ["▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** A character a day: `·` for a day not seen, `▁` for nothing spent. */
export function blockChart(amounts: readonly (number | undefined)[]): string {
  const highest = Math.max(0, ...amounts.map((amount) => amount ?? 0));
  return amounts
    .map((amount) => {
      if (amount === undefined) return "·";
      if (amount <= 0) return "▁";
      return levels[Math.max(0, Math.ceil((amount / highest) * levels.length) - 1)];
    })
    .join("");
}
