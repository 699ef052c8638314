/** Repeatable chance: the same seed gives the same documents. */
export function createChance(seed: number) {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const pick = <T>(first: T, ...others: readonly T[]): T => [first, ...others][below(others.length + 1)] ?? first;
  return { below, pick };
}
export type Chance = ReturnType<typeof createChance>;

/** What the one place where the texts differ had before, and has afterwards. */
export function difference(before: string, after: string): { readonly removed: string; readonly inserted: string } {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  return { removed: before.slice(start, before.length - end), inserted: after.slice(start, after.length - end) };
}
