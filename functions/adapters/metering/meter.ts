import { AsyncLocalStorage } from "node:async_hooks";

import type { Figures, Meter, Outcome, Running, Telemetry, Work } from "../../services/meter.ts";

interface Current {
  /** Undefined outside of requests. */
  readonly figures: Figures | undefined;
  /** Undefined when nobody is told. */
  readonly running: Running | undefined;
}

/** With `telemetry`, a collector is told of everything that is measured; without, nothing is done for it. */
export function createMeter(telemetry?: Telemetry): Meter {
  const current = new AsyncLocalStorage<Current>();

  async function timed<T>(
    describe: () => Work,
    work: () => Promise<T>,
    add: (figures: Figures, milliseconds: number) => void,
    statusOf?: (result: T) => number,
  ): Promise<T> {
    const store = current.getStore();
    const running = store?.running?.begin(describe());
    const started = performance.now();
    let outcome: Pick<Outcome, "isFailure" | "status"> = { isFailure: true };
    try {
      const result = await work();
      outcome = { isFailure: false, status: statusOf?.(result) };
      return result;
    } finally {
      const milliseconds = performance.now() - started;
      if (store?.figures !== undefined) add(store.figures, milliseconds);
      running?.end({ ...outcome, milliseconds });
    }
  }

  /** Everything that is measured within `work` is a part of it. */
  async function within<T>(
    figures: Figures | undefined,
    work: Work,
    does: () => Promise<T>,
    tell: (result: T) => Omit<Outcome, "milliseconds">,
  ): Promise<T> {
    const running = telemetry?.begin(work);
    const started = performance.now();
    let outcome: Omit<Outcome, "milliseconds"> = { isFailure: true };
    try {
      const result = await current.run({ figures, running }, does);
      outcome = tell(result);
      return result;
    } finally {
      running?.end({ ...outcome, milliseconds: performance.now() - started });
    }
  }

  return {
    async inRequest(method, work) {
      const figures: Figures = { databaseMs: 0, upstreamMs: 0, upstreamCalls: 0 };
      await within(
        figures,
        { kind: "request", method },
        () => work(figures),
        ({ route, status }) => ({ route, status, isFailure: status >= 500 }),
      );
    },
    inJob: (name, work) => within(undefined, { kind: "job", name }, work, () => ({ isFailure: false })),
    database: (verb, work) =>
      timed(
        () => ({ kind: "database", verb }),
        work,
        (figures, milliseconds) => {
          figures.databaseMs += milliseconds;
        },
      ),
    upstream: (call, work) =>
      timed(
        () => ({ kind: "upstream", ...call() }),
        work,
        (figures, milliseconds) => {
          figures.upstreamMs += milliseconds;
          figures.upstreamCalls += 1;
        },
        ({ status }) => status,
      ),
  };
}

type Verbs = Readonly<Record<string, unknown>>;

/** A store whose every verb is measured. */
export function measured<Store extends object>(name: string, store: Store, measure: Meter["database"]): Store {
  const verbs = Object.entries(store as Verbs).map(([verb, work]) => [
    verb,
    typeof work === "function"
      ? (...parameters: unknown[]) => measure(`${name}.${verb}`, async () => work(...parameters))
      : work,
  ]);
  // Every verb of a store returns a promise, so the wrapped one has the same type.
  return Object.fromEntries(verbs) as Store;
}
