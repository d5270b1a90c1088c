/** @file Several maps of one model become one, in the frame of the first that has a datum. */
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { NetvladError } from '../errors.ts';
import { createDatum, toEnu, toGeodetic, type LocalDatum } from '../geo/LocalDatum.ts';
import type { Pose } from '../geo/Pose.ts';
import { multiplyQuaternions, quaternionFromYaw } from '../geo/quaternion.ts';
import { createMapManifest } from './MapManifest.ts';
import type { MapWriter } from './MapWriter.ts';
import type { NewPlace, Place } from './Place.ts';
import { assertSameModel, PlaceMap } from './PlaceMap.ts';
import { writeMapAtomically } from './writeMapAtomically.ts';

const CHUNK = 256;

export interface MergeResult {
  readonly path: string;
  readonly places: number;
}

/** Two frames of local metres have nothing in common that a program could know. */
function assertRelated(maps: readonly PlaceMap[]): void {
  const positioned = maps.filter((map) => map.hasPositions);
  const local = positioned.filter(({ manifest }) => manifest.datum === null);
  if (local.length === 0 || positioned.length < 2) return;
  throw new NetvladError(
    'map',
    `${local.map(({ path }) => path).join(' and ')}: positions in local metres without a datum cannot be related to another map.`,
    { hint: 'Build it again with the origin of its metres: netvlad map build --datum LAT,LON.' },
  );
}

/** Each of its places would have a twin, and no answer could be told from the second best. */
function assertDifferent(maps: readonly PlaceMap[]): void {
  const pathOf = new Map<string, string>();
  for (const { path, manifest } of maps) {
    const twin = pathOf.get(manifest.id);
    if (twin !== undefined) {
      throw new NetvladError('map', `${twin} and ${path} are the same map (id ${manifest.id}).`, {
        hint: 'Name each map once.',
      });
    }
    pathOf.set(manifest.id, path);
  }
}

/** From one tangent plane to another: position through the earth, heading by the angle between the two norths. */
function movePose(pose: Pose, from: LocalDatum, to: LocalDatum): Pose {
  const transfer = (x: number, y: number, z: number): { x: number; y: number; z: number } =>
    toEnu(to, toGeodetic(from, { x, y, z }));
  const here = transfer(pose.x, pose.y, pose.z);
  const east = transfer(pose.x + 1, pose.y, pose.z);
  const turn = quaternionFromYaw(Math.atan2(east.y - here.y, east.x - here.x));
  const [qx, qy, qz, qw] = multiplyQuaternions(turn, [pose.qx, pose.qy, pose.qz, pose.qw]);
  return { ...here, qx, qy, qz, qw };
}

/** Frames of two traverses must not interleave: a place without sequence takes its map's name. */
function toMergedPlace(place: Place, map: PlaceMap, target: LocalDatum | null): Omit<Place, 'id'> {
  const { datum } = map.manifest;
  const sequence = place.sequence ?? basename(map.path, '.vprmap');
  const stays = place.pose === null || datum === null || target === null || isDeepStrictEqual(datum, target.geo);
  const pose = stays ? place.pose : movePose(place.pose, createDatum(datum), target);
  return { ...place, sequence, pose };
}

function copyPlaces(map: PlaceMap, writer: MapWriter, target: LocalDatum | null): void {
  const { descriptors, dimension } = map;
  for (let start = 0; start < map.size; start += CHUNK) {
    const chunk = map.places.slice(start, start + CHUNK).map((place, offset): NewPlace => {
      const row = start + offset;
      return {
        place: toMergedPlace(place, map, target),
        descriptor: descriptors.subarray(row * dimension, (row + 1) * dimension),
        thumbnail: map.thumbnail(place.id),
        local: map.localFeatures(place.id),
      };
    });
    writer.append(chunk);
  }
}

/**
 * Places keep all they hold but their id; the calibration does not survive, because it was made for the parts.
 * Throws a NetvladError('map') when the models differ, the frames cannot be related, or a map is named twice.
 */
export async function mergeMaps(paths: readonly string[], out: string, signal?: AbortSignal): Promise<MergeResult> {
  const maps = paths.map((path) => PlaceMap.open(path));
  try {
    const [first] = maps;
    if (first === undefined) throw new NetvladError('usage', 'There are no maps to merge.');
    for (const map of maps) assertSameModel(map.path, map.manifest.model, first.manifest.model);
    assertDifferent(maps);
    assertRelated(maps);
    const datum = maps.map(({ manifest }) => manifest.datum).find((geo) => geo !== null) ?? null;
    const target = datum === null ? null : createDatum(datum);
    const manifest = createMapManifest(first.manifest.model, { datum, frame: first.manifest.frame });
    return await writeMapAtomically(out, manifest, async (writer) => {
      for (const map of maps) {
        signal?.throwIfAborted();
        copyPlaces(map, writer, target);
      }
      writer.updateManifest({ sources: maps.flatMap((map) => map.manifest.sources) });
      return await Promise.resolve({ path: out, places: writer.size });
    });
  } finally {
    for (const map of maps) map.close();
  }
}
