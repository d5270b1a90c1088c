/** @file Keeps the next few items of a stream in the making while the present one is being used. */

/**
 * Applies `work` to the items, at most `limit()` at once, and yields the results in the order of the items. Nothing
 * more is started while the consumer holds a result back. When the consumer stops early, waits for what is under way.
 */
export async function* mapAhead<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: () => number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      while (underWay.length >= Math.max(1, limit())) yield await underWay.shift()!;
      const result = work(item);
      result.catch(() => undefined); // it rejects where it is awaited, not before
      underWay.push(result);
    }
    while (underWay.length > 0) yield await underWay.shift()!;
  } finally {
    await Promise.allSettled(underWay);
  }
}
