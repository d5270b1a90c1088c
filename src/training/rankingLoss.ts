/**
 * @file The weakly supervised ranking loss of the paper (Arandjelović et al., CVPR 2016, equation 7) in plain numbers:
 * the oracle of the training step's graph and of the mining.
 */

/** One query with its best potential positive and its negatives; all unit L2, all of one dimension. */
export interface Tuple {
  /** [D] */
  readonly query: Float64Array;
  /** [D] */
  readonly positive: Float64Array;
  /** each [D] */
  readonly negatives: readonly Float64Array[];
}

export interface RankingLoss {
  /** Sum over the negatives of max(d2(q, p) + margin - d2(q, n), 0), SQUARED distances. */
  readonly loss: number;
  /** Negatives with a positive hinge; the trainer divides the batch's gradient by their number. */
  readonly violating: readonly boolean[];
  readonly queryGradient: Float64Array;
  readonly positiveGradient: Float64Array;
  readonly negativeGradients: readonly Float64Array[];
}

/** The paper's margin, for squared distances. Trainers with other distances need another one: they pick other negatives. */
export const DEFAULT_MARGIN = 0.1;

export function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`squaredDistance: lengths ${a.length} and ${b.length} differ`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

/**
 * Loss and its gradient for one tuple: dq = 2 (sum n - nV p), dp = 2 nV (p - q), dn = 2 (q - n) over the nV violating
 * negatives; the others get zero.
 */
export function computeRankingLoss(tuple: Tuple, margin: number = DEFAULT_MARGIN): RankingLoss {
  const { query, positive, negatives } = tuple;
  const limit = squaredDistance(query, positive) + margin;
  const queryGradient = new Float64Array(query.length);
  const positiveGradient = new Float64Array(query.length);
  const hinges = negatives.map((negative) => limit - squaredDistance(query, negative));
  const negativeGradients = negatives.map((negative, j) => {
    const gradient = new Float64Array(query.length);
    if (hinges[j]! <= 0) return gradient;
    for (let i = 0; i < query.length; i++) {
      queryGradient[i]! += 2 * (negative[i]! - positive[i]!);
      positiveGradient[i]! += 2 * (positive[i]! - query[i]!);
      gradient[i] = 2 * (query[i]! - negative[i]!);
    }
    return gradient;
  });
  return {
    loss: hinges.reduce((sum, hinge) => sum + Math.max(hinge, 0), 0),
    violating: hinges.map((hinge) => hinge > 0),
    queryGradient,
    positiveGradient,
    negativeGradients,
  };
}
