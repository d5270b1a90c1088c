/** @file What a benchmark says that was called without what it needs. */

/** Ends the process with 2, as commands do that are called wrongly: `make bench` goes on with the next one. */
export function endWithUsage(call: string): never {
  console.error(`usage: node dist/bench/${call}`);
  process.exit(2);
}
