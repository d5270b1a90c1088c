/** @file The k largest of many values, in an order that does not depend on how they were found. */

export interface Ranked {
  readonly index: number;
  readonly value: number;
}

/** True when `a` ranks behind `b`: smaller value, or equal value and higher index. */
function isBehind(a: Ranked, b: Ranked): boolean {
  return a.value < b.value || (a.value === b.value && a.index > b.index);
}

function siftUp(heap: Ranked[], start: number): void {
  let child = start;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    if (!isBehind(heap[child]!, heap[parent]!)) return;
    [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
    child = parent;
  }
}

function siftDown(heap: Ranked[]): void {
  let parent = 0;
  for (;;) {
    const left = 2 * parent + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const child = right < heap.length && isBehind(heap[right]!, heap[left]!) ? right : left;
    if (!isBehind(heap[child]!, heap[parent]!)) return;
    [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
    parent = child;
  }
}

/**
 * The `k` largest values, largest first, equal values by ascending index. NaN is never selected. O(n log k).
 * `accept` leaves out indices (a filter over places, for example).
 */
export function topK(values: ArrayLike<number>, k: number, accept?: (index: number) => boolean): Ranked[] {
  const heap: Ranked[] = []; // worst of the best so far at the root
  if (k <= 0) return heap;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (Number.isNaN(value)) continue;
    // Indices ascend, so an equal value never displaces the root.
    if (heap.length === k && value <= heap[0]!.value) continue;
    if (accept !== undefined && !accept(index)) continue;
    if (heap.length < k) {
      heap.push({ index, value });
      siftUp(heap, heap.length - 1);
    } else {
      heap[0] = { index, value };
      siftDown(heap);
    }
  }
  return heap.sort((a, b) => (isBehind(a, b) ? 1 : -1));
}
