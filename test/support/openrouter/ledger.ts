/** One charge to a key, in US dollars. `isByok`: paid to an outside provider, outside OpenRouter's credits. */
export interface Spend {
  readonly at: Date;
  readonly usd: number;
  readonly isByok: boolean;
}

/** What each key has spent, as events: every usage figure is summed from these. */
export interface Ledger {
  readonly record: (hash: string, spend: Spend) => void;
  /** Dollars of a key from `from` (inclusive; null: ever) to `to` (inclusive). */
  readonly total: (hash: string, span: { from: Date | null; to: Date; isByok: boolean }) => number;
  /** Credits spent by all keys, the deleted ones included. */
  readonly credits: (to: Date) => number;
}

export function createLedger(): Ledger {
  const spends = new Map<string, Spend[]>();

  function total(hash: string, span: { from: Date | null; to: Date; isByok: boolean }): number {
    let usd = 0;
    for (const spend of spends.get(hash) ?? []) {
      const isInside = (span.from === null || spend.at >= span.from) && spend.at <= span.to;
      if (isInside && spend.isByok === span.isByok) usd += spend.usd;
    }
    return roundUsd(usd);
  }

  return {
    record(hash, spend) {
      const of = spends.get(hash);
      if (of === undefined) spends.set(hash, [spend]);
      else of.push(spend);
    },
    total,
    credits(to) {
      let usd = 0;
      for (const hash of spends.keys()) usd += total(hash, { from: null, to, isByok: false });
      return roundUsd(usd);
    },
  };
}

/** Sums of dollars without binary dust, so that three times 0.1 uses up a limit of 0.3 exactly. */
export function roundUsd(usd: number): number {
  return Math.round(usd * 1e9) / 1e9;
}
