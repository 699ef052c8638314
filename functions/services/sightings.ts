/** What a list said about accounts by id, in 8 bytes an account, so that a directory of any size fits. */
export interface Sightings {
  /** Returns whether the account was not seen before. One odd sighting outweighs any number of good ones. */
  readonly see: (id: string, looksActive: boolean) => boolean;
  readonly looksActive: (id: string) => boolean;
}

/**
 * Ids are kept as 53-bit hashes in a table with open addressing. Two ids that collide (one chance in 10^8 among 10,000)
 * are no danger: the worst is that somebody is asked about in a later round instead of this one.
 */
export function createSightings(): Sightings {
  let table = new Float64Array(1_024);
  let used = 0;

  /** Where the hash is, or where it would go. The sign of an entry says whether it looks active. */
  function slotOf(entries: Float64Array, hash: number): number {
    let slot = hash % entries.length;
    for (;;) {
      const entry = entries[slot] ?? 0;
      if (entry === 0 || Math.abs(entry) === hash) return slot;
      slot = (slot + 1) % entries.length;
    }
  }

  function grow(): void {
    const larger = new Float64Array(table.length * 2);
    for (const entry of table) {
      if (entry !== 0) larger[slotOf(larger, Math.abs(entry))] = entry;
    }
    table = larger;
  }

  return {
    see(id, looksActive) {
      if (used * 2 >= table.length) grow();
      const hash = hashOf(id);
      const slot = slotOf(table, hash);
      const before = table[slot] ?? 0;
      table[slot] = looksActive && before >= 0 ? hash : -hash;
      if (before === 0) used += 1;
      return before === 0;
    },
    looksActive: (id) => (table[slotOf(table, hashOf(id))] ?? 0) > 0,
  };
}

/** cyrb53, which mixes two 32-bit hashes into 53 bits; never 0. */
function hashOf(text: string): number {
  let left = 0xdeadbeef;
  let right = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    left = Math.imul(left ^ unit, 2_654_435_761);
    right = Math.imul(right ^ unit, 1_597_334_677);
  }
  left = Math.imul(left ^ (left >>> 16), 2_246_822_507) ^ Math.imul(right ^ (right >>> 13), 3_266_489_909);
  right = Math.imul(right ^ (right >>> 16), 2_246_822_507) ^ Math.imul(left ^ (left >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & right) + (left >>> 0) || 1;
}
