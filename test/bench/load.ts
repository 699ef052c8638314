import { Pool } from "undici";

export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends requests to one server and times them. */
export interface Load {
  /** Milliseconds until the answer is whole. Throws on any status but a success: only finished work is measured. */
  readonly time: (call: Call) => Promise<number>;
  readonly read: (call: Call) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

export function createLoad(origin: string, connections: number): Load {
  const pool = new Pool(origin, { connections, pipelining: 1 });
  async function send({ method, path, headers, body }: Call): Promise<string> {
    const response = await pool.request({ method, path, headers: headers ?? {}, body: body ?? null });
    const text = await response.body.text();
    if (response.statusCode >= 300)
      throw new Error(`${method} ${path} was answered with ${response.statusCode}: ${text}`);
    return text;
  }
  return {
    async time(call) {
      const started = performance.now();
      await send(call);
      return performance.now() - started;
    },
    read: async (call) => JSON.parse(await send(call)),
    close: () => pool.close(),
  };
}

/** Calls a second, with so many in flight all the time. */
export async function rateOf(inFlight: number, milliseconds: number, next: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() - started < milliseconds) {
        await next();
        done += 1;
      }
    }),
  );
  return (done * 1000) / (performance.now() - started);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
