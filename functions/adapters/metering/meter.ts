import { AsyncLocalStorage } from "node:async_hooks";

import type { Figures, Meter } from "../../services/meter.ts";

export function createMeter(): Meter {
  const current = new AsyncLocalStorage<Figures>();

  async function timed<T>(work: () => Promise<T>, add: (figures: Figures, milliseconds: number) => void): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      const figures = current.getStore();
      if (figures !== undefined) add(figures, performance.now() - started);
    }
  }

  return {
    inRequest: (work) => {
      const figures: Figures = { databaseMs: 0, upstreamMs: 0, upstreamCalls: 0 };
      return current.run(figures, () => work(figures));
    },
    database: (work) =>
      timed(work, (figures, milliseconds) => {
        figures.databaseMs += milliseconds;
      }),
    upstream: (work) =>
      timed(work, (figures, milliseconds) => {
        figures.upstreamMs += milliseconds;
        figures.upstreamCalls += 1;
      }),
  };
}

type Verbs = Readonly<Record<string, unknown>>;

/** A store whose every verb is measured. */
export function measured<Store extends object>(store: Store, measure: Meter["database"]): Store {
  const verbs = Object.entries(store as Verbs).map(([name, verb]) => [
    name,
    typeof verb === "function" ? (...parameters: unknown[]) => measure(async () => verb(...parameters)) : verb,
  ]);
  // Every verb of a store returns a promise, so the wrapped one has the same type.
  return Object.fromEntries(verbs) as Store;
}
