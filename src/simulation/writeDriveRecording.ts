/** @file A drive as a recording that any ROS 2 player opens: camera, GNSS, odometry and the truth. */
import type { LocalDatum } from '../geo/LocalDatum.ts';
import type { Pose } from '../geo/Pose.ts';
import { composePoses, IDENTITY_POSE, invertPose } from '../geo/poseAlgebra.ts';
import type { McapRecordingWriter } from '../bags/McapRecordingWriter.ts';
import type { PoseMessage, RosMessages } from '../bags/messages.ts';
import { toRosTime } from '../bags/rosTime.ts';
import { CAMERA_HEIGHT_M, type DriveFrame } from './drive.ts';
import type { CameraModel } from './Camera.ts';
import { simulateFixes, simulateOdometry } from './sensors.ts';

export const TOPICS = {
  image: '/camera/image/compressed',
  cameraInfo: '/camera/camera_info',
  fix: '/fix',
  odometry: '/odom',
  groundTruth: '/ground_truth',
  tfStatic: '/tf_static',
} as const;

const OPTICAL_FRAME = 'camera_optical_frame';
const cameraFromBase = invertPose({ ...IDENTITY_POSE, z: CAMERA_HEIGHT_M });

function poseMessage(pose: Pose): PoseMessage {
  return {
    position: { x: pose.x, y: pose.y, z: pose.z },
    orientation: { x: pose.qx, y: pose.qy, z: pose.qz, w: pose.qw },
  };
}

function cameraInfo(camera: CameraModel, stampNs: bigint): RosMessages['sensor_msgs/msg/CameraInfo'] {
  const { width, height, focalPx: f, centreX: cx, centreY: cy } = camera;
  return {
    header: { stamp: toRosTime(stampNs), frame_id: OPTICAL_FRAME },
    height,
    width,
    distortion_model: 'plumb_bob',
    d: [0, 0, 0, 0, 0],
    k: [f, 0, cx, 0, f, cy, 0, 0, 1],
    r: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    p: [f, 0, cx, 0, 0, f, cy, 0, 0, 0, 1, 0],
    binning_x: 0,
    binning_y: 0,
    roi: { x_offset: 0, y_offset: 0, height: 0, width: 0, do_rectify: false },
  };
}

export interface DriveRecording {
  readonly frames: readonly DriveFrame[];
  readonly camera: CameraModel;
  readonly datum: LocalDatum;
  readonly seed: number;
  /** JPEG bytes of frame i. */
  readonly readImage: (index: number) => Promise<Uint8Array>;
}

/**
 * The messages of all topics in the order of time; the ground truth is that of base_link in the map frame. The caller
 * closes or abandons the writer.
 */
export async function writeDriveRecording(writer: McapRecordingWriter, drive: DriveRecording): Promise<void> {
  const { frames, camera, datum, seed } = drive;
  const fixes = new Map(simulateFixes(frames, datum, seed).map((fix) => [fix.stampNs, fix]));
  const odometry = simulateOdometry(frames, seed);
  await writeMounting(writer, frames[0]!.stampNs);
  for (const [i, frame] of frames.entries()) {
    const { stampNs } = frame;
    const stamp = toRosTime(stampNs);
    const reading = odometry[i]!;
    const noTwist = { x: 0, y: 0, z: 0 };
    await writer.write(TOPICS.odometry, 'nav_msgs/msg/Odometry', stampNs, {
      header: { stamp, frame_id: 'odom' },
      child_frame_id: 'base_link',
      pose: { pose: poseMessage(reading.pose), covariance: reading.covariance },
      twist: {
        twist: {
          linear: { ...noTwist, x: reading.speedMPerS },
          angular: { ...noTwist, z: reading.yawRateRadPerS },
        },
        covariance: reading.twistCovariance,
      },
    });
    const fix = fixes.get(stampNs);
    if (fix !== undefined) {
      await writer.write(TOPICS.fix, 'sensor_msgs/msg/NavSatFix', stampNs, {
        header: { stamp, frame_id: 'gnss' },
        status: { status: 0, service: 1 },
        latitude: fix.geo.latDeg,
        longitude: fix.geo.lonDeg,
        altitude: fix.geo.altM,
        position_covariance: fix.covariance,
        position_covariance_type: 2,
      });
    }
    await writer.write(TOPICS.groundTruth, 'geometry_msgs/msg/PoseStamped', stampNs, {
      header: { stamp, frame_id: 'map' },
      pose: poseMessage(composePoses(frame.pose, cameraFromBase)),
    });
    await writer.write(TOPICS.cameraInfo, 'sensor_msgs/msg/CameraInfo', stampNs, cameraInfo(camera, stampNs));
    await writer.write(TOPICS.image, 'sensor_msgs/msg/CompressedImage', stampNs, {
      header: { stamp, frame_id: OPTICAL_FRAME },
      format: 'jpeg',
      data: await drive.readImage(i),
    });
  }
}

/** base_link -> camera_link (x forward) -> optical frame (z forward), and the antenna. */
async function writeMounting(writer: McapRecordingWriter, stampNs: bigint): Promise<void> {
  const header = (frame: string) => ({ stamp: toRosTime(stampNs), frame_id: frame });
  const straight = { x: 0, y: 0, z: 0, w: 1 };
  await writer.write(TOPICS.tfStatic, 'tf2_msgs/msg/TFMessage', stampNs, {
    transforms: [
      {
        header: header('base_link'),
        child_frame_id: 'camera_link',
        transform: { translation: { x: 0, y: 0, z: CAMERA_HEIGHT_M }, rotation: straight },
      },
      {
        header: header('camera_link'),
        child_frame_id: OPTICAL_FRAME,
        transform: { translation: { x: 0, y: 0, z: 0 }, rotation: { x: -0.5, y: 0.5, z: -0.5, w: 0.5 } },
      },
      {
        header: header('base_link'),
        child_frame_id: 'gnss',
        transform: { translation: { x: 0, y: 0, z: CAMERA_HEIGHT_M }, rotation: straight },
      },
    ],
  });
}
