/** @file One row of the map: what is known of a database image. */
import type { GeoPoint, Pose } from '../geo/Pose.ts';

export interface Place {
  /** Positive, unique in the map, never reused. */
  readonly id: number;
  /** Name of the image in its source. */
  readonly image: string;
  readonly stampNs: bigint | null;
  readonly sequence: string | null;
  readonly geo: GeoPoint | null;
  /** Camera pose in the map frame; null in topological maps. Without a heading the quaternion is NaN. */
  readonly pose: Pose | null;
  readonly positionSigmaM: number | null;
  readonly condition: string | null;
}
