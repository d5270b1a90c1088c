/** @file What localization needs to know of a place of the map. A row of the map file fits it as it is. */
import type { GeoPoint, Pose } from '../geo/Pose.ts';

export interface MapPlace {
  readonly id: number;
  readonly image: string;
  readonly stampNs: bigint | null;
  readonly sequence: string | null;
  /** Order within the sequence, where there is no stamp. */
  readonly frame: number | null;
  readonly geo: GeoPoint | null;
  /** Camera pose in the map frame; null in topological maps. Without a heading the quaternion is NaN. */
  readonly pose: Pose | null;
  readonly positionSigmaM: number | null;
}
