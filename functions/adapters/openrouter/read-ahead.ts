export interface ReadAheadOptions<Page extends { readonly length: number }> {
  readonly read: (offset: number) => Promise<Page>;
  /** How many entries there probably are. */
  readonly expected: number;
  readonly mostPages: number;
  /** Resolves after so many seconds; rejects when time is up. */
  readonly pause: (seconds: number) => Promise<void>;
  /** Seconds to pause when an error says that the service is asked too often; undefined for any other error. */
  readonly isBusy: (error: unknown) => number | undefined;
}

const mostAtOnce = 16;

/**
 * Reads pages by offset, many at a time, as they come. The first page tells how long a page is, `expected` how many to
 * ask for in advance; what lies beyond is read one page at a time until one is empty. When the service is asked too
 * often, the page is asked for again after the pause and half as many are read at once from then on.
 */
export async function* readAhead<Page extends { readonly length: number }>(
  options: ReadAheadOptions<Page>,
): AsyncGenerator<Page, void, undefined> {
  let atOnce = mostAtOnce;
  const first = await read(0);
  if (first.length === 0) return;
  yield first;

  let next = 1;
  let isOver = false;
  const expectedPages = Math.ceil(options.expected / first.length);
  const underWay = new Map<number, Promise<{ readonly number: number; readonly page: Page }>>();

  while (!isOver || underWay.size > 0) {
    // One more than expected, which shows the end; further ones only when all others are in.
    while (
      !isOver &&
      next < options.mostPages &&
      underWay.size < atOnce &&
      (next <= expectedPages || underWay.size === 0)
    ) {
      const number = next;
      underWay.set(
        number,
        read(number * first.length).then((page) => ({ number, page })),
      );
      next += 1;
    }
    if (underWay.size === 0) return;
    const { number, page } = await Promise.race(underWay.values());
    underWay.delete(number);
    if (page.length === 0) isOver = true;
    else yield page;
  }

  async function read(offset: number): Promise<Page> {
    for (;;) {
      try {
        return await options.read(offset);
      } catch (error) {
        const seconds = options.isBusy(error);
        if (seconds === undefined) throw error;
        atOnce = Math.max(1, Math.floor(atOnce / 2));
        await options.pause(seconds);
      }
    }
  }
}
