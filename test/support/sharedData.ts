/** @file Where the reference data lie: NETVLAD_SHARED, or ../shared beside the project. Never part of the project. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(process.env.NETVLAD_SHARED ?? '../shared');

/** Path below the shared folder; skips the running test, saying so, when it is not there. */
export function sharedPath(test: Mocha.Context, ...parts: readonly string[]): string {
  const path = join(ROOT, ...parts);
  if (!existsSync(path)) {
    test.test!.title += ` (skipped: ${path} is not there; set NETVLAD_SHARED)`;
    test.skip();
  }
  return path;
}

/** The worked numbers of the reference (`reference/vpr_vectors.json`). */
export function readVectors(test: Mocha.Context, key: string): unknown {
  const path = sharedPath(test, 'reference', 'vpr_vectors.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>)[key];
}
