/** @file A drive past walls of different colours, recorded; with the colour model each place is told by its colour. */
import { createMcapWriter } from '../../../src/bags/McapRecordingWriter.ts';
import { toRosTime } from '../../../src/bags/rosTime.ts';

const SECOND = 1_000_000_000n;
export const DRIVE_START_NS = 1_700_000_000n * SECOND;
export const DRIVE_TOPIC = '/camera/image_raw';

/** The drive goes along x, five metres and one second from image to image. */
export const STEP_M = 5;

export interface ColourDrive {
  readonly images: number;
  /** Images of these indices hold fewer bytes than they claim. */
  readonly broken?: readonly number[];
  /** Metres to the side of the true track, to be found as an error. */
  readonly offsetM?: number;
}

/** Writes images, /odom and /ground_truth. */
export async function writeColourDrive(path: string, { images, broken = [], offsetM = 0 }: ColourDrive): Promise<void> {
  const writer = await createMcapWriter(path);
  for (let i = 0; i < images; i++) {
    const stampNs = DRIVE_START_NS + BigInt(i) * SECOND;
    const stamp = toRosTime(stampNs);
    const pose = { position: { x: i * STEP_M, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };
    const zero = { x: 0, y: 0, z: 0 };
    await writer.write('/odom', 'nav_msgs/msg/Odometry', stampNs, {
      ...{ header: { stamp, frame_id: 'odom' }, child_frame_id: 'base_link' },
      pose: { pose, covariance: new Float64Array(36) },
      twist: { twist: { linear: zero, angular: zero }, covariance: new Float64Array(36) },
    });
    await writer.write('/ground_truth', 'geometry_msgs/msg/PoseStamped', stampNs, {
      header: { stamp, frame_id: 'map' },
      pose: { ...pose, position: { ...pose.position, y: offsetM } },
    });
    await writer.write(DRIVE_TOPIC, 'sensor_msgs/msg/Image', stampNs + 1_000_000n, {
      ...{ header: { stamp, frame_id: 'camera' }, height: 6, width: 8, encoding: 'rgb8', is_bigendian: 0, step: 24 },
      data: wallOf(i).subarray(0, broken.includes(i) ? 50 : 144),
    });
  }
  await writer.close();
}

/** [6, 8, 3]: a colour on the sphere octant, well apart from those of the neighbours. */
function wallOf(place: number): Uint8Array {
  const [a, b] = [((place * 0.381966) % 1) * (Math.PI / 2), ((place * 0.754878) % 1) * (Math.PI / 2)];
  const colour = [Math.cos(a) * Math.cos(b), Math.sin(a) * Math.cos(b), Math.sin(b)];
  return Uint8Array.from({ length: 144 }, (_, i) => Math.round(20 + 235 * colour[i % 3]!));
}
