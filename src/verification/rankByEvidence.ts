/** @file The order of candidates once some of them are verified. */

export interface RankedCandidate {
  readonly similarity: number;
  /** NaN = not verified. */
  readonly evidence: number;
}

/**
 * Weight of the global similarity, in units of evidence: an advantage over the whole range of the candidates' similarities
 * counts as much as twelve perfectly matched locations. It decides where geometry knows little (wide changes of viewpoint, night)
 * and is overruled where geometry knows much. Chosen on cambridge_west training images and pepper_office.
 */
export const SIMILARITY_WEIGHT = 12;

/**
 * Verified candidates by evidence + weight * similarity (rescaled to 0..1 among them), then the others as they came.
 * Equal ones keep their order.
 */
export function rankByEvidence<T extends RankedCandidate>(candidates: readonly T[], weight = SIMILARITY_WEIGHT): T[] {
  const verified = candidates.filter(({ evidence }) => !Number.isNaN(evidence));
  const similarities = verified.map(({ similarity }) => similarity);
  const low = Math.min(...similarities);
  const range = Math.max(...similarities) - low;
  const score = ({ evidence, similarity }: T): number =>
    evidence + (range > 0 ? (weight * (similarity - low)) / range : 0);
  return [
    ...verified.sort((a, b) => score(b) - score(a)),
    ...candidates.filter(({ evidence }) => Number.isNaN(evidence)),
  ];
}
