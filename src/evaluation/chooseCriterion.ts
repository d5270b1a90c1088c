/** @file From what the user said (or did not say) to what counts as right. */
import { readFile } from 'node:fs/promises';
import { NetvladError } from '../errors.ts';
import { parsePairs } from './pairs.ts';
import type { TruthCriterion } from './truthCriterion.ts';

/** The field's convention since Torii et al. (Pitts250k, Tokyo 24/7). */
const DEFAULT_RADIUS_M = 25;

/** Options of the command line; at most one criterion may be given. */
export interface TruthFlags {
  readonly radius?: number;
  readonly frames?: number;
  readonly by?: 'place';
  readonly groundTruth?: string;
}

async function readPairs(file: string): Promise<TruthCriterion> {
  try {
    return { kind: 'pairs', file, pairs: parsePairs(await readFile(file, 'utf8')) };
  } catch (cause) {
    throw new NetvladError('bad-input', `Ground truth ${file} cannot be read: ${(cause as Error).message}`, {
      hint: 'Expected JSON {"query": ["database", ...]} by name or index, or one `query database` a line.',
      cause,
    });
  }
}

/** A `.npz` ground truth holds positions, which go with a radius. Throws a NetvladError('usage') on contradictions. */
export async function chooseCriterion(
  { radius, frames, by, groundTruth }: TruthFlags,
  { hasPositions }: { readonly hasPositions: boolean },
): Promise<TruthCriterion> {
  const pairsFile = groundTruth?.endsWith('.npz') === true ? undefined : groundTruth;
  const given = [radius, frames, by, pairsFile].filter((value) => value !== undefined).length;
  if (given > 1) {
    throw new NetvladError('usage', 'Only one of --radius, --frames, --by and --ground-truth says what is right.');
  }
  if (frames !== undefined) return { kind: 'frames', frames };
  if (by !== undefined) return { kind: 'place' };
  if (pairsFile !== undefined) return readPairs(pairsFile);
  if (radius !== undefined || hasPositions) return { kind: 'radius', radiusM: radius ?? DEFAULT_RADIUS_M };
  throw new NetvladError('usage', 'There are no positions that could say what is right.', {
    hint: 'Give --frames N (column frame), --by place (column place) or --ground-truth FILE.',
  });
}
