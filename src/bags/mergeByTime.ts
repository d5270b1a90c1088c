/** @file Joins streams that are each in time order (chunks of a file, files of a split recording) into one. */
import { isBagProblem, type BagItem, type BagMessage } from './BagSource.ts';

/** A stream that is opened when its time has come, so that a long recording never has all its parts open. */
export interface TimedStream {
  /** No message of the stream is earlier; a stream that breaks its word is merged as early as it is opened. */
  readonly startNs: bigint;
  open(): AsyncIterable<BagItem> | Iterable<BagItem>;
}

interface Cursor {
  readonly order: number;
  readonly iterator: AsyncIterator<BagItem> | Iterator<BagItem>;
  message: BagMessage | null;
}

/** Messages by log time, equal times by the order of `streams`; problems as soon as they are met. */
export async function* mergeByTime(streams: readonly TimedStream[]): AsyncGenerator<BagItem> {
  const waiting = streams
    .map((stream, order) => ({ stream, order }))
    .sort((a, b) => compareBigInt(a.stream.startNs, b.stream.startNs) || a.order - b.order);
  const active: Cursor[] = [];
  let next = 0;
  try {
    for (;;) {
      let first = earliest(active);
      while (next < waiting.length && (first === null || waiting[next]!.stream.startNs <= first.message!.logTimeNs)) {
        const { stream, order } = waiting[next++]!;
        const cursor: Cursor = { order, iterator: iterate(stream.open()), message: null };
        active.push(cursor);
        yield* advance(cursor, active);
        first = earliest(active);
      }
      if (first === null) return;
      yield first.message!;
      yield* advance(first, active);
    }
  } finally {
    for (const cursor of active) await cursor.iterator.return?.();
  }
}

function compareBigInt(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function iterate(items: AsyncIterable<BagItem> | Iterable<BagItem>): AsyncIterator<BagItem> | Iterator<BagItem> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}

/** Few are ever active (chunks that overlap), so a scan beats a heap. */
function earliest(active: readonly Cursor[]): Cursor | null {
  let best: Cursor | null = null;
  for (const cursor of active) {
    const order = best === null ? -1 : compareBigInt(cursor.message!.logTimeNs, best.message!.logTimeNs);
    if (order < 0 || (order === 0 && cursor.order < best!.order)) best = cursor;
  }
  return best;
}

/** Moves to the cursor's next message, passing problems on; a cursor at its end leaves `active`. */
async function* advance(cursor: Cursor, active: Cursor[]): AsyncGenerator<BagItem> {
  for (;;) {
    const step = await cursor.iterator.next();
    if (step.done === true) {
      active.splice(active.indexOf(cursor), 1);
      return;
    }
    if (!isBagProblem(step.value)) {
      cursor.message = step.value;
      return;
    }
    yield step.value;
  }
}
