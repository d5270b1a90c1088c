/** @file ROS 1 and ROS 2 messages as the records that the rest of the house works with. */
import type { GeoPoint, Pose } from '../geo/Pose.ts';
import { normalizeQuaternion } from '../geo/quaternion.ts';
import type { CameraFrame } from '../image/CameraFrame.ts';
import type { BagMessage } from './BagSource.ts';
import { parseCompressedImageCdr, parseImageCdr } from './cdrImages.ts';
import { decodeMessage } from './decodeMessage.ts';
import type { PoseMessage, RosMessages } from './messages.ts';
import { parseRosTime } from './rosTime.ts';

/** Both generations: ROS 1 spells nanoseconds `nsec`. */
interface AnyHeader {
  readonly stamp: { readonly sec: number; readonly nanosec?: number; readonly nsec?: number };
  readonly frame_id: string;
}

type AnyGeneration<T> = Omit<T, 'header'> & { readonly header: AnyHeader };

/** Where something was at a time, as one message says it. */
export interface PositionSample {
  /** header.stamp */
  readonly stampNs: bigint;
  /** WGS-84, from NavSatFix. */
  readonly geo: GeoPoint | null;
  /** In `frameId`, from Odometry and pose messages. */
  readonly pose: Pose | null;
  /** header.frame_id: the frame of reference of a pose, the antenna's frame of a fix. */
  readonly frameId: string;
  /** The frame whose pose it is, where the message says so. */
  readonly bodyFrameId: string | null;
  /** One-sigma horizontal, metres; null when the message does not say. */
  readonly sigmaM: number | null;
  /** Of x and y (east and north): [xx, xy, yx, yy] in m^2; null when the message does not say. */
  readonly covariance: readonly [number, number, number, number] | null;
}

export interface StaticTransform {
  readonly parent: string;
  readonly child: string;
  readonly parentFromChild: Pose;
}

/**
 * sensor_msgs/Image or CompressedImage. The pixels are the frame's own: `copy` says where they are put. Throws when the bytes are
 * damaged.
 */
export function parseCameraFrame(
  message: BagMessage,
  copy: (pixels: Uint8Array) => Uint8Array = (pixels) => pixels.slice(),
): CameraFrame {
  const frame = viewCameraFrame(message);
  return { ...frame, data: copy(frame.data) };
}

function viewCameraFrame(message: BagMessage): CameraFrame {
  const isRaw = message.topic.type === 'sensor_msgs/msg/Image';
  if (message.topic.encoding === 'cdr') {
    return isRaw ? parseImageCdr(message.data) : parseCompressedImageCdr(message.data);
  }
  const decoded = decodeMessage(message);
  return isRaw ? toRawFrame(decoded) : toCompressedFrame(decoded);
}

function toRawFrame(decoded: unknown): CameraFrame {
  const image = decoded as AnyGeneration<RosMessages['sensor_msgs/msg/Image']>;
  const { height, width, encoding, step } = image;
  return {
    ...{ kind: 'raw', stampNs: parseRosTime(image.header.stamp), frameId: image.header.frame_id },
    ...{ height, width, encoding, step, isBigEndian: image.is_bigendian !== 0, data: image.data },
  };
}

function toCompressedFrame(decoded: unknown): CameraFrame {
  const { header, format, data } = decoded as AnyGeneration<RosMessages['sensor_msgs/msg/CompressedImage']>;
  return { kind: 'compressed', stampNs: parseRosTime(header.stamp), frameId: header.frame_id, format, data };
}

/** NavSatFix, Odometry, PoseStamped or PoseWithCovarianceStamped. Null: the receiver had no fix. Throws on nonsense. */
export function parsePositionSample(message: BagMessage): PositionSample | null {
  const decoded = decodeMessage(message);
  switch (message.topic.type) {
    case 'sensor_msgs/msg/NavSatFix':
      return parseFix(decoded as AnyGeneration<RosMessages['sensor_msgs/msg/NavSatFix']>);
    case 'nav_msgs/msg/Odometry': {
      const odometry = decoded as AnyGeneration<RosMessages['nav_msgs/msg/Odometry']>;
      const { pose, covariance } = odometry.pose;
      return { ...poseSample(odometry.header, pose, covariance), bodyFrameId: odometry.child_frame_id || null };
    }
    case 'geometry_msgs/msg/PoseWithCovarianceStamped': {
      const stamped = decoded as AnyGeneration<RosMessages['geometry_msgs/msg/PoseWithCovarianceStamped']>;
      return poseSample(stamped.header, stamped.pose.pose, stamped.pose.covariance);
    }
    case 'geometry_msgs/msg/PoseStamped': {
      const stamped = decoded as AnyGeneration<RosMessages['geometry_msgs/msg/PoseStamped']>;
      return poseSample(stamped.header, stamped.pose, null);
    }
    default:
      throw new Error(`${message.topic.type} holds no position`);
  }
}

function parseFix(fix: AnyGeneration<RosMessages['sensor_msgs/msg/NavSatFix']>): PositionSample | null {
  if (fix.status.status < 0) return null;
  const geo = { latDeg: fix.latitude, lonDeg: fix.longitude, altM: fix.altitude };
  if (!(Math.abs(geo.latDeg) <= 90 && Math.abs(geo.lonDeg) <= 360)) {
    throw new Error(`latitude ${geo.latDeg}, longitude ${geo.lonDeg} is no position`);
  }
  if (geo.latDeg === 0 && geo.lonDeg === 0) {
    throw new Error('latitude 0, longitude 0 is what a receiver without a fix says');
  }
  const covariance = fix.position_covariance_type === 0 ? null : horizontalCovariance(fix.position_covariance, 3);
  const { frame_id: frameId, stamp } = fix.header;
  return {
    ...{ stampNs: parseRosTime(stamp), geo, pose: null, frameId, bodyFrameId: frameId || null },
    ...{ sigmaM: sigmaOf(covariance), covariance },
  };
}

function poseSample(
  header: AnyHeader,
  { position, orientation }: PoseMessage,
  covariance: readonly number[] | Float64Array | null,
): PositionSample {
  const { x, y, z } = position;
  if (!Number.isFinite(x + y + z)) throw new Error(`the position [${x}, ${y}, ${z}] is not finite`);
  const [qx, qy, qz, qw] = normalizeQuaternion([orientation.x, orientation.y, orientation.z, orientation.w]);
  const horizontal = covariance === null ? null : horizontalCovariance(covariance, 6);
  return {
    ...{ stampNs: parseRosTime(header.stamp), geo: null, pose: { x, y, z, qx, qy, qz, qw } },
    ...{ frameId: header.frame_id, bodyFrameId: null },
    ...{ sigmaM: sigmaOf(horizontal), covariance: horizontal },
  };
}

/** The upper left block of a row-major matrix of `stride` columns; null where it was not filled in. */
function horizontalCovariance(
  covariance: readonly number[] | Float64Array,
  stride: number,
): readonly [number, number, number, number] | null {
  const [xx, xy, yx, yy] = [covariance[0]!, covariance[1]!, covariance[stride]!, covariance[stride + 1]!];
  return xx > 0 && yy > 0 && Number.isFinite(xx + xy + yx + yy) ? [xx, xy, yx, yy] : null;
}

function sigmaOf(covariance: readonly [number, number, number, number] | null): number | null {
  return covariance === null ? null : Math.sqrt((covariance[0] + covariance[3]) / 2);
}

/** The transforms of a tf2_msgs/TFMessage. Throws on a transform that is none. */
export function parseTransforms(message: BagMessage): readonly StaticTransform[] {
  const { transforms } = decodeMessage(message) as RosMessages['tf2_msgs/msg/TFMessage'];
  return transforms.map(({ header, child_frame_id, transform }) => {
    const { translation, rotation } = transform;
    const [qx, qy, qz, qw] = normalizeQuaternion([rotation.x, rotation.y, rotation.z, rotation.w]);
    const parentFromChild = { x: translation.x, y: translation.y, z: translation.z, qx, qy, qz, qw };
    return { parent: withoutSlash(header.frame_id), child: withoutSlash(child_frame_id), parentFromChild };
  });
}

/** tf2 forbids the leading slash that tf allowed. */
export function withoutSlash(frameId: string): string {
  return frameId.startsWith('/') ? frameId.slice(1) : frameId;
}
