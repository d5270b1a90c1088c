/** @file Platt scaling with a prior: probabilities from logits that other places taught, corrected by the map's own samples. */
import { sigmoid } from '../math/statistics.ts';

export interface LogitSample {
  readonly logit: number;
  readonly isRight: boolean;
  /** How much the sample counts. */
  readonly weight: number;
}

export interface Scaling {
  readonly offset: number;
  readonly slope: number;
}

/** Gaussian priors: with few samples the answer stays near a = 0, b = 1. */
const OFFSET_SIGMA = 2;
const SLOPE_SIGMA = 0.5;
/** A fit on easy retrievals must not turn into certainty elsewhere, nor a hard map into none at all. */
const SLOPE_RANGE: readonly [number, number] = [0.3, 2];
const ROUNDS = 50;

/**
 * Maximises sum w log P(right | a + b logit) with the priors, by Newton's method (Platt 1999; concave, so it converges).
 * Samples whose logit is no number are left out.
 */
export function fitScaling(samples: readonly LogitSample[]): Scaling {
  const usable = samples.filter(({ logit, weight }) => Number.isFinite(logit) && weight > 0);
  let [offset, slope] = [0, 1];
  for (let round = 0; round < ROUNDS; round++) {
    let [ga, gb] = [-offset / OFFSET_SIGMA ** 2, -(slope - 1) / SLOPE_SIGMA ** 2];
    let [haa, hab, hbb] = [1 / OFFSET_SIGMA ** 2, 0, 1 / SLOPE_SIGMA ** 2];
    for (const { logit, isRight, weight } of usable) {
      const p = sigmoid(offset + slope * logit);
      const residual = weight * ((isRight ? 1 : 0) - p);
      const curvature = weight * p * (1 - p);
      ga += residual;
      gb += residual * logit;
      haa += curvature;
      hab += curvature * logit;
      hbb += curvature * logit * logit;
    }
    const determinant = haa * hbb - hab * hab;
    const [da, db] = [(hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant];
    offset += da;
    slope += db;
    if (Math.abs(da) + Math.abs(db) < 1e-10) break;
  }
  return { offset, slope: Math.min(SLOPE_RANGE[1], Math.max(SLOPE_RANGE[0], slope)) };
}
