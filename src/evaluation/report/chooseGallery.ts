/** @file Which answers are worth looking at: the most confident wrong ones, and a fair sample of the right ones. */
import { createRandom } from '../../math/random.ts';
import type { ReportedQuery } from '../EvaluationDocument.ts';

export interface GalleryChoice {
  /** Indices of queries, the most confident first. */
  readonly failures: readonly number[];
  /** Indices of queries in their order. */
  readonly successes: readonly number[];
}

const GALLERY_SEED = 11;

/** Queries without a true match are neither. The same answers give the same choice. */
export function chooseGallery(perQuery: readonly ReportedQuery[], count: number): GalleryChoice {
  const strengthOf = (index: number): number => {
    const { decision, matches } = perQuery[index]!;
    return decision?.confidence ?? matches[0]?.similarity ?? 0;
  };
  const judged = perQuery.map((_, index) => index).filter((index) => perQuery[index]!.truePositions > 0);
  const wrong = judged.filter((index) => perQuery[index]!.rankOfTruth !== 1);
  const right = judged.filter((index) => perQuery[index]!.rankOfTruth === 1);
  const random = createRandom(GALLERY_SEED);
  return {
    failures: wrong.sort((a, b) => strengthOf(b) - strengthOf(a) || a - b).slice(0, count),
    successes: random
      .sample(right.length, count)
      .map((i) => right[i]!)
      .sort((a, b) => a - b),
  };
}
