/** @file Platt scaling with a prior: probabilities from logits that other places taught, corrected by the map's own samples. */
import { clamp, sigmoid } from '../math/statistics.ts';

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
const HALVINGS = 30;

/**
 * Maximises sum w log P(right | a + b logit) with the priors, by Newton's method with step halving (Platt 1999; the
 * objective is concave, so it converges from anywhere). A slope out of range is set to the nearest end, and the offset
 * fitted to it. Samples whose logit is no number are left out.
 */
export function fitScaling(samples: readonly LogitSample[]): Scaling {
  const usable = samples.filter(({ logit, weight }) => Number.isFinite(logit) && weight > 0);
  const free = climb(usable, { offset: 0, slope: 1 }, true);
  const slope = clamp(free.slope, ...SLOPE_RANGE);
  return slope === free.slope ? free : climb(usable, { offset: 0, slope }, false);
}

function climb(samples: readonly LogitSample[], start: Scaling, isSlopeFree: boolean): Scaling {
  let at = start;
  let value = logPosterior(samples, at);
  for (let round = 0; round < ROUNDS; round++) {
    const step = newtonStep(samples, at, isSlopeFree);
    let fraction = 1;
    let next = at;
    let nextValue = Number.NEGATIVE_INFINITY;
    for (let halving = 0; halving < HALVINGS && !(nextValue >= value); halving++, fraction /= 2) {
      next = { offset: at.offset + fraction * step.offset, slope: at.slope + fraction * step.slope };
      nextValue = logPosterior(samples, next);
    }
    if (!(nextValue >= value)) break;
    const gained = nextValue - value;
    [at, value] = [next, nextValue];
    if (gained < 1e-12) break;
  }
  return at;
}

function logPosterior(samples: readonly LogitSample[], { offset, slope }: Scaling): number {
  const prior = -0.5 * (offset / OFFSET_SIGMA) ** 2 - 0.5 * ((slope - 1) / SLOPE_SIGMA) ** 2;
  return samples.reduce((sum, { logit, isRight, weight }) => {
    const margin = (isRight ? 1 : -1) * (offset + slope * logit);
    // log sigmoid, without overflow on either side
    return sum + weight * (Math.min(0, margin) - Math.log1p(Math.exp(-Math.abs(margin))));
  }, prior);
}

function newtonStep(samples: readonly LogitSample[], { offset, slope }: Scaling, isSlopeFree: boolean): Scaling {
  let [ga, gb] = [-offset / OFFSET_SIGMA ** 2, -(slope - 1) / SLOPE_SIGMA ** 2];
  let [haa, hab, hbb] = [1 / OFFSET_SIGMA ** 2, 0, 1 / SLOPE_SIGMA ** 2];
  for (const { logit, isRight, weight } of samples) {
    const p = sigmoid(offset + slope * logit);
    const residual = weight * ((isRight ? 1 : 0) - p);
    const curvature = weight * p * (1 - p);
    ga += residual;
    gb += residual * logit;
    haa += curvature;
    hab += curvature * logit;
    hbb += curvature * logit * logit;
  }
  if (!isSlopeFree) return { offset: ga / haa, slope: 0 };
  const determinant = haa * hbb - hab * hab;
  return { offset: (hbb * ga - hab * gb) / determinant, slope: (haa * gb - hab * ga) / determinant };
}
