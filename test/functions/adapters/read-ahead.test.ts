import assert from "node:assert/strict";

import { readAhead } from "../../../functions/adapters/openrouter/read-ahead.ts";

interface Page {
  readonly length: number;
  readonly items: readonly number[];
}

class Busy extends Error {}

/** A list of numbers behind a page of ten; counts what was asked for and how much at once. */
function list(total: number, options: { readonly expected?: number; readonly busyAt?: readonly number[] } = {}) {
  const items = Array.from({ length: total }, (_, index) => index);
  const busy = new Set(options.busyAt);
  const pauses: number[] = [];
  let [calls, atOnce, most] = [0, 0, 0];
  const pages = readAhead<Page>({
    expected: options.expected ?? total,
    mostPages: 1_000,
    isBusy: (error) => (error instanceof Busy ? 2 : undefined),
    pause: (seconds) => {
      pauses.push(seconds);
      return Promise.resolve();
    },
    async read(offset) {
      calls += 1;
      atOnce += 1;
      most = Math.max(most, atOnce);
      await Promise.resolve();
      atOnce -= 1;
      if (busy.delete(offset)) throw new Busy();
      const page = items.slice(offset, offset + 10);
      return { length: page.length, items: page };
    },
  });
  return {
    pauses,
    async read() {
      const read: number[] = [];
      for await (const page of pages) read.push(...page.items);
      return { read: read.toSorted((left, right) => left - right), items, calls, most };
    },
  };
}

describe("reading a list ahead", () => {
  it("reads all of it, sixteen pages at once, and asks for one page more than there are", async () => {
    const { read, items, calls, most } = await list(500).read();
    assert.deepStrictEqual([read, calls, most], [items, 51, 16]);
  });

  it("reads all of a list that is longer or shorter than expected", async () => {
    const longer = await list(95, { expected: 20 }).read();
    const shorter = await list(20, { expected: 1_000 }).read();
    assert.deepStrictEqual([longer.read.length, shorter.read.length, shorter.calls <= 2 + 17], [95, 20, true]);
  });

  it("ends after one call when there is nothing", async () => {
    const { read, calls } = await list(0).read();
    assert.deepStrictEqual([read, calls], [[], 1]);
  });

  it("asks again for a page that was refused for coming too fast, with fewer at once", async () => {
    const slowed = list(500, { busyAt: [0, 100, 110] });
    const { read, items, calls } = await slowed.read();
    assert.deepStrictEqual([read, slowed.pauses, calls], [items, [2, 2, 2], 54]);
  });

  it("ends with the error when a page cannot be read", async () => {
    const failing = readAhead<Page>({
      expected: 10,
      mostPages: 10,
      isBusy: () => undefined,
      pause: () => Promise.resolve(),
      read: () => Promise.reject(new Error("no such list")),
    });
    await assert.rejects(failing.next(), /no such list/);
  });
});
