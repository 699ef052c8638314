/** `work` on every item, at most so many at a time; results in the items' order. */
export async function mapLimited<T, R>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: { readonly index: number; readonly result: R }[] = [];
  const entries = items.entries();
  async function take(): Promise<void> {
    for (const [index, item] of entries) results.push({ index, result: await work(item) });
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, take));
  return results.sort((left, right) => left.index - right.index).map(({ result }) => result);
}
