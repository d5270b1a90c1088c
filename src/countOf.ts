/** @file A number of things, in words. */

/** `countOf(1, 'place')` is "1 place", `countOf(0, 'query', 'queries')` "0 queries". */
export function countOf(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
