/** @file One row of the map: what is known of a database image. */
import type { GeoPoint, Pose } from '../geo/Pose.ts';
import type { LocalGrid } from '../verification/LocalGrid.ts';

export interface Place {
  /** Positive, unique in the map, never reused. */
  readonly id: number;
  /** Name of the image in its source. */
  readonly image: string;
  readonly stampNs: bigint | null;
  /** Name of the traverse, drive or video. */
  readonly sequence: string | null;
  /** Order within the sequence; the geometry of maps without positions. */
  readonly frame: number | null;
  /** Identity of the place as the source names it, for sources without positions. */
  readonly label: string | null;
  readonly geo: GeoPoint | null;
  /** Camera pose in the map frame; null in topological maps. Without a heading the quaternion is NaN. */
  readonly pose: Pose | null;
  readonly positionSigmaM: number | null;
  readonly condition: string | null;
}

/** What is handed to the map for one image; the map gives it its id. */
export interface NewPlace {
  readonly place: Omit<Place, 'id'>;
  /** [D] unit L2. */
  readonly descriptor: Float32Array;
  /** JPEG bytes. */
  readonly thumbnail: Uint8Array | null;
  readonly local: LocalGrid | null;
}
