/** @file The drive that is played: images in order, their true poses in the map's frame, and which places are right. */
import { openBag } from '../../bags/openBag.ts';
import { readTrack } from '../../bags/readTrack.ts';
import { isDatasetProblem } from '../../datasets/GeotaggedImage.ts';
import { openImageSource } from '../../datasets/openImageSource.ts';
import { NetvladError } from '../../errors.ts';
import { computeTruth, type TruthCriterion } from '../../evaluation/truthCriterion.ts';
import type { GroundTruth } from '../../evaluation/recall.ts';
import type { Pose } from '../../geo/Pose.ts';
import type { Place } from '../../map/Place.ts';
import type { PlaceMap } from '../../map/PlaceMap.ts';
import { PlaceSurveyor } from '../../map/PlaceSurveyor.ts';
import { writeFileAtomically } from '../../writeFileAtomically.ts';

export interface DriveImage {
  readonly path: string;
  readonly place: Omit<Place, 'id'>;
  /** odomFromBase; null without odometry. */
  readonly odometry: Pose | null;
}

export interface DemoDrive {
  readonly images: readonly DriveImage[];
  readonly criterion: TruthCriterion;
  /** Rows of the map that show the place of each image. */
  readonly truth: GroundTruth;
}

const DEFAULT_RADIUS_M = 25;
const DEFAULT_FRAMES = 5;

function chooseCriterion(images: readonly DriveImage[], map: PlaceMap, radiusM: number | null): TruthCriterion {
  if (map.hasPositions && images.some(({ place }) => place.pose !== null)) {
    return { kind: 'radius', radiusM: radiusM ?? DEFAULT_RADIUS_M };
  }
  const has = (key: 'frame' | 'label'): boolean => {
    return [images.map(({ place }) => place), map.places].every((all) => all.some((place) => place[key] !== null));
  };
  if (has('frame')) return { kind: 'frames', frames: DEFAULT_FRAMES };
  if (has('label')) return { kind: 'place' };
  throw new NetvladError('bad-input', 'Neither positions, frame numbers nor place names say which answers are right.', {
    hint: 'Give the CSV the columns lat,lon or x_m,y_m, or frame, or place.',
  });
}

/** odomFromBase by stamp. */
async function readOdometry(path: string): Promise<ReadonlyMap<bigint, Pose>> {
  const bag = await openBag(path);
  try {
    const topic = bag.topics.find(({ type }) => type === 'nav_msgs/msg/Odometry');
    if (topic === undefined) return new Map();
    const { track } = await readTrack(bag, topic, 0n);
    return new Map(track.samples.flatMap(({ stampNs, pose }) => (pose === null ? [] : [[stampNs, pose] as const])));
  } finally {
    await bag.close();
  }
}

/** Reads the query images of a data set; `bag` adds odometry by stamp. */
export async function planDemoDrive(
  source: { readonly data: string; readonly condition: string | null; readonly bag: string | null },
  map: PlaceMap,
  radiusM: number | null,
): Promise<DemoDrive> {
  const selection = { role: 'query', ...(source.condition === null ? {} : { condition: source.condition }) };
  const surveyor = PlaceSurveyor.continuing(map);
  const odometry = source.bag === null ? new Map<bigint, Pose>() : await readOdometry(source.bag);
  const images: DriveImage[] = [];
  for await (const item of await openImageSource(source.data, selection)) {
    if (isDatasetProblem(item) || item.content.kind !== 'file') continue;
    const place = surveyor.survey(item);
    if ('problem' in place) continue;
    images.push({ path: item.content.path, place, odometry: odometry.get(item.stampNs ?? -1n) ?? null });
  }
  if (images.length === 0) throw new NetvladError('bad-input', `${source.data} has no usable image of role query.`);
  const criterion = chooseCriterion(images, map, radiusM);
  const truth = computeTruth(
    criterion,
    images.map(({ place }) => place),
    map.places,
  );
  return { images, criterion, truth };
}

/** The player's input: one line of JSON a frame. */
export async function writeDrivePlan(path: string, { images }: DemoDrive): Promise<void> {
  const toList = (pose: Pose | null): number[] | null => {
    if (pose === null) return null;
    const q = Number.isNaN(pose.qw) ? [0, 0, 0, 1] : [pose.qx, pose.qy, pose.qz, pose.qw];
    return [pose.x, pose.y, pose.z, ...q];
  };
  const lines = images.map((image) =>
    JSON.stringify({ file: image.path, pose: toList(image.place.pose), odometry: toList(image.odometry) }),
  );
  await writeFileAtomically(path, `${lines.join('\n')}\n`);
}
