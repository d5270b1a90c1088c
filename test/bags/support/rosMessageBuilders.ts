/** @file Messages for tests: small, valid, every field set to something that a mistake would change. */
import type { Header, RosMessages } from '../../../src/bags/messages.ts';
import { toRosTime } from '../../../src/bags/rosTime.ts';

export function header(stampNs: bigint, frameId = 'camera'): Header {
  return { stamp: toRosTime(stampNs), frame_id: frameId };
}

export function imageMessage(stampNs: bigint, width = 4, height = 2): RosMessages['sensor_msgs/msg/Image'] {
  const step = width * 3;
  const data = Uint8Array.from({ length: step * height }, (_, i) => (i * 7 + Number(stampNs % 251n)) % 256);
  return { header: header(stampNs), height, width, encoding: 'rgb8', is_bigendian: 0, step, data };
}

export function odometryMessage(
  stampNs: bigint,
  x: number,
  y: number,
  yawRad: number,
): RosMessages['nav_msgs/msg/Odometry'] {
  const orientation = { x: 0, y: 0, z: Math.sin(yawRad / 2), w: Math.cos(yawRad / 2) };
  const zero = { x: 0, y: 0, z: 0 };
  const covariance = new Float64Array(36);
  return {
    header: header(stampNs, 'odom'),
    child_frame_id: 'base_link',
    pose: { pose: { position: { x, y, z: 0 }, orientation }, covariance },
    twist: { twist: { linear: zero, angular: zero }, covariance },
  };
}

export function fixMessage(stampNs: bigint, latDeg: number, lonDeg: number): RosMessages['sensor_msgs/msg/NavSatFix'] {
  return {
    header: header(stampNs, 'gps'),
    status: { status: 0, service: 1 },
    latitude: latDeg,
    longitude: lonDeg,
    altitude: 12.5,
    position_covariance: [4, 0, 0, 0, 4, 0, 0, 0, 9],
    position_covariance_type: 2,
  };
}
