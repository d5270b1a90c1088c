/** @file GNSS as a prior on places: it narrows the search, is tested against what is seen, and never overrules it. */
import {
  addCovariance2,
  chiSquare2Quantile,
  isPositiveDefinite2,
  mahalanobis2,
  planarBlock,
} from '../geo/covariance.ts';
import type { Covariance2 } from '../geo/covariance.ts';
import type { FrameHypotheses } from './frameHypotheses.ts';
import type { PositionPrior } from './Localizer.ts';
import type { MapGeometry } from './MapGeometry.ts';
import type { PoseEstimate } from './poseMoments.ts';

/** What a place far from the fix keeps of its odds, and what one at the fix gains. Evidence of 1:400 outweighs both. */
const FAR_FACTOR = 0.05;
const NEAR_FACTOR = 2;
const INNOVATION_LIMIT = chiSquare2Quantile(0.999);

export type FixVerdict = { readonly kind: 'used' } | { readonly kind: 'ignored'; readonly reason: string };

/** A fix that can be computed with: finite, with a positive definite covariance. */
export function isUsableFix(fix: PositionPrior): boolean {
  return Number.isFinite(fix.x) && Number.isFinite(fix.y) && isPositiveDefinite2(covarianceOf(fix));
}

/** Innovation test against the last fix (a jump) and against a confident estimate from images (a disagreement). */
export function judgeFix(
  fix: PositionPrior,
  against: {
    readonly lastFix: PositionPrior | null;
    readonly maxSpeedMps: number;
    readonly estimate: PoseEstimate | null;
  },
): FixVerdict {
  if (!isUsableFix(fix)) return { kind: 'ignored', reason: 'The fix has no usable position or covariance.' };
  const { lastFix, estimate } = against;
  if (lastFix !== null) {
    const [dx, dy] = [fix.x - lastFix.x, fix.y - lastFix.y];
    const seconds = Math.abs(Number(fix.stampNs - lastFix.stampNs)) / 1e9;
    const jump = Math.hypot(dx, dy) - against.maxSpeedMps * seconds;
    const both = addCovariance2(covarianceOf(fix), covarianceOf(lastFix));
    const along = jump / Math.hypot(dx, dy);
    if (jump > 0 && mahalanobis2(both, dx * along, dy * along) > INNOVATION_LIMIT) {
      const what = `The fix jumped by ${Math.hypot(dx, dy).toFixed(1)} m in ${seconds.toFixed(1)} s`;
      return { kind: 'ignored', reason: `${what}: it is not used.` };
    }
  }
  if (estimate !== null) {
    const [dx, dy] = [fix.x - estimate.pose.x, fix.y - estimate.pose.y];
    const both = addCovariance2(covarianceOf(fix), planarBlock(estimate.covariance));
    if (mahalanobis2(both, dx, dy) > INNOVATION_LIMIT) {
      const what = `The fix lies ${Math.hypot(dx, dy).toFixed(1)} m from where the images say`;
      return { kind: 'ignored', reason: `${what}, beyond its covariance: it is not used.` };
    }
  }
  return { kind: 'used' };
}

/** Odds of the frame's places, weighted by their distance to the fix; probabilities sum to 1 as before. */
export function applyFix(
  geometry: MapGeometry,
  frame: FrameHypotheses,
  { fix, errorM }: { readonly fix: PositionPrior; readonly errorM: number },
): FrameHypotheses {
  const tolerance = errorM ** 2 + geometry.placeRadius ** 2;
  const covariance = addCovariance2(covarianceOf(fix), { xx: tolerance, xy: 0, yy: tolerance });
  const factors = frame.places.map(({ matches }) => {
    const { row } = matches[0]!;
    if (geometry.chart[row] !== 0) return 1; // a place without a position says nothing against the fix
    const distance2 = mahalanobis2(covariance, geometry.x[row]! - fix.x, geometry.y[row]! - fix.y);
    return FAR_FACTOR + (NEAR_FACTOR - FAR_FACTOR) * Math.exp(-0.5 * distance2);
  });
  const total = frame.places.reduce(
    (sum, { probability }, index) => sum + probability * factors[index]!,
    frame.noneProbability,
  );
  if (!(total > 0)) return frame;
  const places = frame.places.map((place, index) => ({
    ...place,
    probability: (place.probability * factors[index]!) / total,
  }));
  return {
    places: places.sort((a, b) => b.probability - a.probability),
    noneProbability: frame.noneProbability / total,
  };
}

function covarianceOf(fix: PositionPrior): Covariance2 {
  const [xx, xy, yx, yy] = fix.covariance;
  return { xx, xy: (xy + yx) / 2, yy };
}
