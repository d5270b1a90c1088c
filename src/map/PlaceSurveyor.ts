/** @file What a source says of an image's position becomes a pose in the map frame. */
import type { DatasetProblem, GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import { createDatum, isGeoPosition, toEnu, toGeodetic, type LocalDatum } from '../geo/LocalDatum.ts';
import type { GeoPoint, Pose } from '../geo/Pose.ts';
import { quaternionFromYaw, type Quaternion } from '../geo/quaternion.ts';
import type { Vector3 } from '../geo/wgs84.ts';
import type { Place } from './Place.ts';
import type { PlaceMap } from './PlaceMap.ts';

/**
 * How positions enter the map:
 * - `wgs84`: geodetic positions, turned into ENU metres around the datum;
 * - `local`: the source's own metres, without datum.
 */
type Frame = 'undecided' | 'wgs84' | 'local';

const UNKNOWN_HEADING: Quaternion = [NaN, NaN, NaN, NaN];

function toPose(position: Vector3, { orientation, yawRad }: GeotaggedImage): Pose {
  const [qx, qy, qz, qw] = orientation ?? (yawRad === null ? UNKNOWN_HEADING : quaternionFromYaw(yawRad));
  return { x: position.x, y: position.y, z: position.z, qx, qy, qz, qw };
}

/**
 * Brings the images of one map into one frame. The first position decides: geodetic ones make a map with a datum (the
 * first geotag, unless one is given), local metres one without. With a given datum local metres are ENU around it.
 */
export class PlaceSurveyor {
  readonly #isDatumGiven: boolean;
  #datum: LocalDatum | null;
  #frame: Frame;

  /** For a new map. Throws `bad-input` when the datum is no position. */
  constructor(datum: GeoPoint | null) {
    this.#isDatumGiven = datum !== null;
    this.#datum = datum === null ? null : createDatum(datum);
    this.#frame = datum === null ? 'undecided' : 'wgs84';
  }

  /**
   * For more images in the frame of a map that has places already: the second traverse, the queries of an evaluation.
   * Local metres are taken to be ENU around the map's datum, where it has one.
   */
  static continuing(map: PlaceMap): PlaceSurveyor {
    const surveyor = new PlaceSurveyor(map.manifest.datum);
    if (map.manifest.datum === null && map.hasPositions) surveyor.#frame = 'local';
    return surveyor;
  }

  /** Origin of the map frame; null until the first geotag, and always in maps of local metres. */
  get datum(): GeoPoint | null {
    return this.#datum?.geo ?? null;
  }

  /** An image whose position cannot be expressed in the map frame is a problem, not a place without position. */
  survey(image: GeotaggedImage): Omit<Place, 'id'> | DatasetProblem {
    const position = this.#locate(image);
    if (position !== null && 'problem' in position) return position;
    return {
      image: image.name,
      stampNs: image.stampNs,
      sequence: image.sequence,
      frame: image.frame,
      label: image.place,
      geo: position?.geo ?? null,
      pose: position?.pose ?? null,
      positionSigmaM: image.positionSigmaM,
      condition: image.condition,
    };
  }

  #locate(image: GeotaggedImage): { geo: GeoPoint | null; pose: Pose } | DatasetProblem | null {
    const { geo, local } = image;
    if (geo === null && local === null) return null;
    if (geo !== null && !isGeoPosition(geo)) {
      return { problem: `${geo.latDeg}, ${geo.lonDeg} is not a WGS-84 position.`, where: image.name };
    }
    if (this.#frame === 'undecided') {
      this.#frame = geo === null ? 'local' : 'wgs84';
      this.#datum = geo === null ? null : createDatum(geo);
    }
    const datum = this.#datum;
    if (datum === null) {
      return local === null ? outOfFrame(image, ONLY_GEODETIC) : { geo, pose: toPose(local, image) };
    }
    if (geo !== null) return { geo, pose: toPose(toEnu(datum, geo), image) };
    if (local === null || !this.#isDatumGiven) return outOfFrame(image, ONLY_LOCAL);
    return { geo: toGeodetic(datum, local), pose: toPose(local, image) };
  }
}

const ONLY_GEODETIC = 'It has only lat and lon, but the map is in local metres without a datum.';
const ONLY_LOCAL = 'It has only x_m and y_m, but the map is geodetic.';

function outOfFrame(image: GeotaggedImage, reason: string): DatasetProblem {
  return { problem: `${reason} Build the map with the origin of the metres: --datum LAT,LON.`, where: image.name };
}
