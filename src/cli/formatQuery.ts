/** @file `netvlad query` for people. */
import { hasHeading, yawOf } from '../geo/poseAlgebra.ts';
import type { GeoPoint, Pose } from '../geo/Pose.ts';
import type { PoseHypothesis } from '../localization/Localizer.ts';
import type { QueryAnswer } from './commands/query.ts';

function formatPosition(pose: Pose | null, geo: GeoPoint | null): string {
  if (pose === null) return '';
  const heading = hasHeading(pose) ? `, yaw ${((yawOf(pose) * 180) / Math.PI).toFixed(0)} deg` : '';
  const degrees = geo === null ? '' : `  (${geo.latDeg.toFixed(6)}, ${geo.lonDeg.toFixed(6)})`;
  return `  x ${pose.x.toFixed(1)} m, y ${pose.y.toFixed(1)} m${heading}${degrees}`;
}

/** Standard deviation along the worse axis, metres. */
function formatSpread({ covariance }: PoseHypothesis): string {
  if (covariance === null) return '';
  return ` +-${Math.sqrt(Math.max(covariance[0]!, covariance[7]!)).toFixed(1)} m`;
}

function formatHypothesis(hypothesis: PoseHypothesis): string {
  const { probability, image, pose, geo } = hypothesis;
  return `  ${(100 * probability).toFixed(1).padStart(5)} %  ${image}${formatPosition(pose, geo)}${formatSpread(hypothesis)}`;
}

/** The image, what the localizer says of it, its hypotheses and its matches. */
export function formatQuery(answer: QueryAnswer): string {
  if ('problem' in answer) return `${answer.image}: ${answer.problem}`;
  const { image, matches, decision } = answer;
  const matchLines = matches.map(({ place, similarity, evidence }, rank) => {
    const verified = evidence === null ? '' : `  evidence ${evidence.toFixed(1)}`;
    const position = formatPosition(place.pose, place.geo);
    return `  ${String(rank + 1).padStart(2)}. ${similarity.toFixed(4)}${verified}  ${place.image}${position}`;
  });
  return [
    `${image}: ${decision.state}, confidence ${decision.confidence.toFixed(2)}. ${decision.reason}`,
    ...(decision.hypotheses.length === 0 ? [] : [' hypotheses', ...decision.hypotheses.map(formatHypothesis)]),
    ' matches',
    ...matchLines,
  ].join('\n');
}
