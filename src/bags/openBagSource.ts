/** @file A drive as a source of geotagged images: camera topic, position topic, the robot's rigid frames. */
import { basename } from 'node:path';
import { NetvladError } from '../errors.ts';
import { createDatum, toEnu, toGeodetic, type LocalDatum } from '../geo/LocalDatum.ts';
import { composePoses, createPose, orientationOf, yawOf } from '../geo/poseAlgebra.ts';
import type { GeoPoint, Pose } from '../geo/Pose.ts';
import { quaternionFromYaw } from '../geo/quaternion.ts';
import type { DatasetProblem, GeotaggedImage, GeotaggedImageSource } from '../datasets/GeotaggedImage.ts';
import type { CameraFrame } from '../image/CameraFrame.ts';
import { isBagProblem, type BagMessage, type BagSource, type BagTopic } from './BagSource.ts';
import { chooseTopic, findTopic, holdsImage, IMAGE_TYPES, POSITION_TYPES } from './chooseTopic.ts';
import { EVERY_FRAME, createKeyframeGate, isEveryFrame, type KeyframeRule } from './KeyframeRule.ts';
import { openBag } from './openBag.ts';
import { parseCameraFrame } from './parseMessages.ts';
import { bodyFromCamera } from './cameraMount.ts';
import { DEFAULT_MAX_GAP_NS, readTrack, type TrackReading } from './readTrack.ts';
import { countOf } from '../countOf.ts';

export interface BagSourceSettings {
  /** Undefined = the only image topic. */
  readonly imageTopic?: string | undefined;
  /** Undefined = the only position topic; a recording without one gives images without positions. */
  readonly positionTopic?: string | undefined;
  /** The frame whose pose a PoseStamped gives. Odometry and NavSatFix name theirs. */
  readonly baseFrame?: string | undefined;
  /** Undefined = `usualKeyframes`. A recording without positions is refused when distance or turn are asked of it. */
  readonly keyframes?: KeyframeRule | undefined;
  /** As far as the recording can tell: without positions, only time chooses. Undefined = every image is taken. */
  readonly usualKeyframes?: KeyframeRule | undefined;
  readonly role?: string | null | undefined;
  readonly condition?: string | null | undefined;
  readonly maxGapNs?: bigint | undefined;
}

/**
 * Opens a recording as images with positions: poses and fixes are interpolated at each image's own stamp, carried from the
 * body to the camera by /tf_static, and thinned to keyframes. Positions of NavSatFix without orientation get the direction
 * of travel as heading. Throws `bad-input` when the topics are not there or not unique, or when keyframes are asked for that
 * need positions.
 */
export async function openBagSource(path: string, settings: BagSourceSettings = {}): Promise<GeotaggedImageSource> {
  const bag = await openBag(path);
  try {
    const images = chooseTopic(bag, {
      ...{ what: 'camera', types: IMAGE_TYPES, option: '--image-topic', name: settings.imageTopic },
    });
    const positions = findTopic(bag, {
      ...{ what: 'position', types: POSITION_TYPES, option: '--position-topic', name: settings.positionTopic },
    });
    const keyframes = chooseKeyframes(bag, positions, settings);
    const place = positions === null ? 'without positions' : `placed by ${positions.name}`;
    const description = `${bag.description}: ${images.name} ${place}`;
    const count = isEveryFrame(keyframes) ? images.messageCount : null;
    return {
      description,
      count,
      [Symbol.asyncIterator]: () => iterateDrive(path, { images, positions, settings, keyframes }),
    };
  } finally {
    await bag.close();
  }
}

function chooseKeyframes(bag: BagSource, positions: BagTopic | null, settings: BagSourceSettings): KeyframeRule {
  const { keyframes, usualKeyframes = EVERY_FRAME } = settings;
  if (positions !== null) return keyframes ?? usualKeyframes;
  if (keyframes === undefined) return { ...EVERY_FRAME, intervalS: usualKeyframes.intervalS };
  const { distanceM, turnRad } = keyframes;
  if (distanceM === null && turnRad === null) return keyframes;
  const asked = [distanceM === null ? '' : '--keyframe-distance', turnRad === null ? '' : '--keyframe-turn'];
  throw new NetvladError(
    'bad-input',
    `${bag.path} has no position topic (${POSITION_TYPES.join(', ')}): nothing says how far it went or turned, as ${asked.filter(Boolean).join(' and ')} must know.`,
    { hint: 'Thin it by time with --keyframe-interval SECONDS, or take every image.' },
  );
}

interface DrivePlan {
  readonly images: BagTopic;
  /** Null: the order of the images is all that is known of their places. */
  readonly positions: BagTopic | null;
  readonly settings: BagSourceSettings;
  readonly keyframes: KeyframeRule;
}

async function* iterateDrive(path: string, plan: DrivePlan): AsyncGenerator<GeotaggedImage | DatasetProblem> {
  const bag = await openBag(path);
  try {
    const reading = await readTrack(bag, plan.positions, plan.settings.maxGapNs ?? DEFAULT_MAX_GAP_NS);
    yield* reading.problems;
    yield* iterateImages(bag, plan, reading);
  } finally {
    await bag.close();
  }
}

async function* iterateImages(
  bag: BagSource,
  plan: DrivePlan,
  reading: TrackReading,
): AsyncGenerator<GeotaggedImage | DatasetProblem> {
  const placeCamera =
    plan.positions === null ? () => NOWHERE : createCameraPlacer(reading, plan.settings.baseFrame ?? null);
  const isKeyframe = createKeyframeGate(plan.keyframes);
  let unplaced = 0;
  let restamped = 0;
  let lastStampNs: bigint | null = null;
  let frame = 0;
  for await (const item of bag.messages([plan.images.name])) {
    if (isBagProblem(item)) {
      yield item;
      continue;
    }
    if (!holdsImage(item)) continue;
    const image = readImage(bag, item);
    if ('problem' in image) {
      yield image;
      continue;
    }
    if (image.stampNs === lastStampNs && plan.positions !== null) {
      restamped++;
      continue;
    }
    lastStampNs = image.stampNs;
    const placed = placeCamera(image);
    if (placed === null) unplaced++;
    else if (isKeyframe({ stampNs: image.stampNs, x: placed.metres.x, y: placed.metres.y, yawRad: placed.yawRad })) {
      yield toGeotaggedImage(image, placed, { plan, sequence: basename(bag.path), frame: frame++ });
    }
  }
  if (restamped > 0) {
    const zero = lastStampNs === 0n ? ' (0: the driver does not fill in header.stamp)' : '';
    const problem = `Left out: ${countOf(restamped, 'image')} stamped as the one before${zero}: a place is looked up by the stamp.`;
    yield { problem, where: `${bag.path}, ${plan.images.name}`, images: restamped };
  }
  if (unplaced > 0) {
    const where = `${bag.path}, ${plan.positions?.name ?? ''}`;
    yield {
      problem: `Left out: ${countOf(unplaced, 'image')} that no position is near in time.`,
      where,
      images: unplaced,
    };
  }
}

function readImage(bag: BagSource, message: BagMessage): CameraFrame | DatasetProblem {
  try {
    return parseCameraFrame(message);
  } catch (error) {
    const where = `${bag.path}, ${message.topic.name} at ${message.logTimeNs} ns`;
    return { problem: `An image message is damaged: ${(error as Error).message}.`, where };
  }
}

interface PlacedCamera {
  readonly geo: GeoPoint | null;
  readonly local: Pose | null;
  readonly orientation: readonly [number, number, number, number] | null;
  readonly yawRad: number | null;
  readonly sigmaM: number | null;
  /** Of the whole drive in one Cartesian frame, for the keyframes. */
  readonly metres: { readonly x: number; readonly y: number };
}

const NOWHERE: PlacedCamera = {
  ...{ geo: null, local: null, orientation: null, yawRad: null, sigmaM: null },
  metres: { x: 0, y: 0 },
};

/** A function that gives the camera's place at a frame's stamp; null where the track does not know. */
function createCameraPlacer(
  { track, frames }: TrackReading,
  baseFrame: string | null,
): (frame: CameraFrame) => PlacedCamera | null {
  const firstGeo = track.samples[0]?.geo ?? null;
  const datum = firstGeo === null ? null : createDatum(firstGeo);
  const bodyFrame = track.samples[0]?.bodyFrameId ?? baseFrame;
  return ({ stampNs, frameId }) => {
    const point = track.at(stampNs);
    if (point === null) return null;
    const mount = bodyFromCamera(frames, bodyFrame, frameId);
    if (point.pose !== null) {
      const local = composePoses(point.pose, mount);
      const orientation = orientationOf(local);
      return { geo: null, local, orientation, yawRad: yawOf(local), sigmaM: point.sigmaM, metres: local };
    }
    if (point.geo === null || datum === null) return null;
    return { ...placeByFix(point.geo, track.courseAt(stampNs), { mount, datum }), sigmaM: point.sigmaM };
  };
}

/** Without a course the lever arm from antenna to camera has no direction, and is left out. */
function placeByFix(
  geo: GeoPoint,
  courseRad: number | null,
  { mount, datum }: { readonly mount: Pose; readonly datum: LocalDatum },
): Omit<PlacedCamera, 'sigmaM'> {
  const antenna = toEnu(datum, geo);
  if (courseRad === null) return { geo, local: null, orientation: null, yawRad: null, metres: antenna };
  const camera = composePoses(createPose(antenna, quaternionFromYaw(courseRad)), mount);
  const cameraGeo = { ...toGeodetic(datum, camera), altM: geo.altM };
  return { geo: cameraGeo, local: null, orientation: orientationOf(camera), yawRad: yawOf(camera), metres: camera };
}

function toGeotaggedImage(
  frame: CameraFrame,
  placed: PlacedCamera,
  facts: { readonly plan: DrivePlan; readonly sequence: string; readonly frame: number },
): GeotaggedImage {
  const { local } = placed;
  return {
    name: `${facts.plan.images.name}@${frame.stampNs}`,
    content: { kind: 'frame', frame },
    role: facts.plan.settings.role ?? null,
    place: null,
    geo: placed.geo,
    local: local === null ? null : { x: local.x, y: local.y, z: local.z },
    yawRad: placed.yawRad,
    orientation: placed.orientation,
    positionSigmaM: placed.sigmaM,
    stampNs: frame.stampNs,
    sequence: facts.sequence,
    frame: facts.frame,
    condition: facts.plan.settings.condition ?? null,
  };
}
