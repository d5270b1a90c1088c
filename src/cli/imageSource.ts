/** @file The image source as every command that reads images takes it: one argument and the same options. */
import type { Command } from 'commander';
import type { KeyframeRule } from '../bags/KeyframeRule.ts';
import { openBagSource } from '../bags/openBagSource.ts';
import type { GeotaggedImageSource } from '../datasets/GeotaggedImage.ts';
import { openImageSource, recognizeImageSource, type ImageSourceKind } from '../datasets/openImageSource.ts';
import { NetvladError } from '../errors.ts';
import { parsePositiveNumber } from './optionValues.ts';

/** What `addImageSourceOptions` puts on a command. */
export interface ImageSourceFlags {
  readonly role?: string;
  readonly condition?: string;
  readonly imageRoot?: string;
  readonly imageTopic?: string;
  readonly positionTopic?: string;
  readonly baseFrame?: string;
  readonly keyframeDistance?: number;
  readonly keyframeTurn?: number;
  readonly keyframeInterval?: number;
}

/** For help texts: what SOURCE may be. */
export const IMAGE_SOURCE_HELP = `SOURCE is a folder of images (searched recursively; EXIF positions and @utm_e@utm_n@... names are read), a CSV
file or a folder with index.csv (columns file,role,place,lat,lon,x_m,y_m,yaw_deg,frame,condition,...), a dbStruct .mat, or
a recording (.mcap, .db3, rosbag2 folder, ROS 1 .bag) with a camera topic and a position topic (NavSatFix, Odometry,
PoseStamped, PoseWithCovarianceStamped): positions are interpolated at the image stamps and carried to the camera by
/tf_static. --role and --condition then name what the recording is.`;

/** Adds the options that choose images of a source. */
export function addImageSourceOptions(command: Command): Command {
  return command
    .option('--role <name>', 'take only images of this role (database, query, train) or split')
    .option('--condition <name>', 'take only images of this condition (day, night, ...)')
    .option('--image-root <folder>', 'where the images of a dbStruct .mat lie (default: beside it)')
    .option('--image-topic <name>', 'camera topic of a recording (default: the only one)')
    .option('--position-topic <name>', 'position topic of a recording (default: the only one)')
    .option('--base-frame <name>', 'frame whose pose a PoseStamped of the recording gives, for /tf_static')
    .option(
      '--keyframe-distance <m>',
      'of a recording with positions, keep an image after so many metres (map build: 2 m or 20 deg)',
      parsePositiveNumber,
    )
    .option('--keyframe-turn <deg>', '... or after this turn', parsePositiveNumber)
    .option('--keyframe-interval <s>', '... or after this time', parsePositiveNumber);
}

/** Each option with the kind of source that it means something for; null = any. */
const SOURCE_OPTIONS: Readonly<
  Record<keyof ImageSourceFlags, { readonly name: string; readonly kind: ImageSourceKind | null }>
> = {
  role: { name: '--role', kind: null },
  condition: { name: '--condition', kind: null },
  imageRoot: { name: '--image-root', kind: 'dbstruct' },
  imageTopic: { name: '--image-topic', kind: 'recording' },
  positionTopic: { name: '--position-topic', kind: 'recording' },
  baseFrame: { name: '--base-frame', kind: 'recording' },
  keyframeDistance: { name: '--keyframe-distance', kind: 'recording' },
  keyframeTurn: { name: '--keyframe-turn', kind: 'recording' },
  keyframeInterval: { name: '--keyframe-interval', kind: 'recording' },
};

const KINDS = { recording: 'a recording', dbstruct: 'a dbStruct .mat' } as const;

type GivenOption = (typeof SOURCE_OPTIONS)[keyof ImageSourceFlags];

function listGiven(flags: ImageSourceFlags): GivenOption[] {
  return Object.entries(SOURCE_OPTIONS).flatMap(([flag, option]) =>
    flags[flag as keyof ImageSourceFlags] === undefined ? [] : [option],
  );
}

/** An option that cannot be followed would be left out without a word. */
function refuse(options: readonly GivenOption[], because: string): never {
  const names = options.map(({ name }) => name).join(', ');
  const [verb, what] = options.length === 1 ? ['is', 'option'] : ['are', 'options'];
  throw new NetvladError('usage', `${names} ${verb} for ${because}.`, { hint: `Leave the ${what} out.` });
}

/** Throws `usage` when an option was given that is for none of the sources. */
export function assertOptionsFit(paths: readonly string[], flags: ImageSourceFlags): void {
  for (const kind of ['recording', 'dbstruct'] as const) {
    const given = listGiven(flags).filter((option) => option.kind === kind);
    if (given.length === 0 || paths.some((path) => recognizeImageSource(path) === kind)) continue;
    refuse(given, `${KINDS[kind]}, which ${paths.join(', ')} is not`);
  }
}

/** Throws `usage` when an option of a source was given without the source, which `option` would name. */
export function assertNoSourceOptions(flags: ImageSourceFlags, option: string): void {
  const given = listGiven(flags);
  if (given.length > 0) refuse(given, `the images of ${option}, which is not given`);
}

/** As `openSourceFromFlags`, for one of several sources that `assertOptionsFit` has been asked about together. */
export async function openOneSource(
  path: string,
  flags: ImageSourceFlags,
  usualKeyframes?: KeyframeRule,
): Promise<GeotaggedImageSource> {
  const { role, condition, imageRoot, imageTopic, positionTopic, baseFrame } = flags;
  return openImageSource(path, {
    ...{ role, condition, imageRoot },
    openRecording: (recording) =>
      openBagSource(recording, {
        ...{ imageTopic, positionTopic, baseFrame, role, condition },
        ...{ keyframes: toKeyframeRule(flags), usualKeyframes },
      }),
  });
}

/** `usualKeyframes` thin recordings when no keyframe option is given; other sources are always taken whole. */
export async function openSourceFromFlags(
  path: string,
  flags: ImageSourceFlags,
  usualKeyframes?: KeyframeRule,
): Promise<GeotaggedImageSource> {
  assertOptionsFit([path], flags);
  return openOneSource(path, flags, usualKeyframes);
}

function toKeyframeRule(flags: ImageSourceFlags): KeyframeRule | undefined {
  const { keyframeDistance, keyframeTurn, keyframeInterval } = flags;
  if (keyframeDistance === undefined && keyframeTurn === undefined && keyframeInterval === undefined) return undefined;
  return {
    distanceM: keyframeDistance ?? null,
    turnRad: keyframeTurn === undefined ? null : (keyframeTurn * Math.PI) / 180,
    intervalS: keyframeInterval ?? null,
  };
}
