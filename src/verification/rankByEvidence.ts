/** @file The order of candidates once some of them are verified. */
import { clamp, mean } from '../math/statistics.ts';
import { dot } from '../math/vectors.ts';

export interface RankedCandidate {
  /** Dot product of the unit descriptors of query and candidate. */
  readonly similarity: number;
  /** NaN = not verified. */
  readonly evidence: number;
}

export interface RankWeights {
  /**
   * Of the distinct similarity, in units of evidence: an advantage over the whole range of the candidates counts as much as
   * this number of perfectly matched locations. It decides where geometry knows little (wide changes of viewpoint, night) and
   * is overruled where geometry knows much.
   */
  readonly similarity: number;
  /** Of what a candidate has in common with the other candidates; 0 = similarity as it is. */
  readonly commonness: number;
}

/**
 * The first was chosen on streets, offices and the town, with the model that learned from none of them. The second, one
 * half, is the correction for hubs (CSLS) of Conneau et al., Word translation without parallel data (2018), with the
 * candidates of the query as the neighbourhood (docs/verification.md).
 */
export const RANK_WEIGHTS: RankWeights = { similarity: 16, commonness: 0.5 };

/** Similarities closer than this are equal: float32 descriptors say no more, and rescaling must not magnify rounding. */
const EQUAL_SIMILARITY = 1e-6;

/**
 * Verified candidates by evidence + weight * distinct similarity (rescaled to 0..1 among them), then the others as they
 * came. Equal ones keep their order. `descriptorOf` gives a verified candidate's descriptor, [D] unit L2.
 */
export function rankByEvidence<T extends RankedCandidate>(
  candidates: readonly T[],
  descriptorOf: (candidate: T) => Float32Array,
  weights = RANK_WEIGHTS,
): T[] {
  const verified = candidates.filter(({ evidence }) => !Number.isNaN(evidence));
  const distinct = computeDistinctSimilarities(
    verified.map(({ similarity }) => similarity),
    verified.map(descriptorOf),
    weights.commonness,
  );
  const low = Math.min(...distinct);
  const range = Math.max(...distinct) - low;
  const share = (similarity: number): number => (range > EQUAL_SIMILARITY ? (similarity - low) / range : 0);
  const scored = verified.map((candidate, at) => ({
    candidate,
    score: candidate.evidence + weights.similarity * share(distinct[at]!),
  }));
  return [
    ...scored.sort((a, b) => b.score - a.score).map(({ candidate }) => candidate),
    ...candidates.filter(({ evidence }) => Number.isNaN(evidence)),
  ];
}

/**
 * Each candidate's similarity to the query, less `commonness` times its mean similarity to the other candidates: a place
 * that resembles all the others resembles any query that finds them, and its similarity says less of this one. A query
 * that resembles them less than they do each other (by night, a map of the day) lowers the share that is taken off in
 * proportion. `descriptors[i]` [D] is candidate i's.
 */
export function computeDistinctSimilarities(
  similarities: readonly number[],
  descriptors: readonly Float32Array[],
  commonness: number,
): number[] {
  const resemblance = computeResemblance(descriptors);
  const [toQuery, toOthers] = [mean(similarities), mean(resemblance)];
  const level = toOthers > 0 ? clamp(toQuery / toOthers, 0, 1) : 0;
  return similarities.map((similarity, at) => similarity - commonness * level * resemblance[at]!);
}

/** Mean similarity of each descriptor [D] to all the others; 0 where there are none. */
function computeResemblance(descriptors: readonly Float32Array[]): number[] {
  const others = descriptors.length - 1;
  if (others < 1) return descriptors.map(() => 0);
  const sum = new Float64Array(descriptors[0]!.length);
  for (const descriptor of descriptors) for (let at = 0; at < sum.length; at++) sum[at]! += descriptor[at]!;
  return descriptors.map((descriptor) => (dot(descriptor, sum) - dot(descriptor, descriptor)) / others);
}
