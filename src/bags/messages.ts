/** @file The ROS messages that we read and write, field for field as their .msg files name them (ROS 2 names). */
import type { RosTime } from './rosTime.ts';

export interface Header {
  readonly stamp: RosTime;
  readonly frame_id: string;
}

export interface Vector3 {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export interface Quaternion extends Vector3 {
  readonly w: number;
}

export interface PoseMessage {
  readonly position: Vector3;
  readonly orientation: Quaternion;
}

/** [6, 6] row-major x y z rotX rotY rotZ. */
export type Covariance36 = readonly number[] | Float64Array;

/** [3, 3] row-major. */
export type Matrix9 = readonly number[] | Float64Array;

export interface PoseWithCovariance {
  readonly pose: PoseMessage;
  readonly covariance: Covariance36;
}

export interface TransformStamped {
  readonly header: Header;
  readonly child_frame_id: string;
  readonly transform: { readonly translation: Vector3; readonly rotation: Quaternion };
}

export interface NavSatFix {
  readonly header: Header;
  /** `status` -1 = no fix, 0 = fix, 1 = satellite-based, 2 = ground-based augmentation. */
  readonly status: { readonly status: number; readonly service: number };
  readonly latitude: number;
  readonly longitude: number;
  /** Metres above the WGS-84 ellipsoid, NaN when unknown. */
  readonly altitude: number;
  /** East, north, up, m^2. */
  readonly position_covariance: Matrix9;
  /** 0 unknown, 1 approximated, 2 diagonal known, 3 known. */
  readonly position_covariance_type: number;
}

export interface PlaceHypothesisMessage {
  readonly rank: number;
  readonly place_id: bigint;
  readonly image: string;
  readonly similarity: number;
  readonly verification: number;
  readonly probability: number;
  readonly pose: PoseWithCovariance;
  readonly latitude: number;
  readonly longitude: number;
  readonly altitude: number;
  readonly database_stamp: RosTime;
}

/** visualization_msgs/Marker as far as we fill it in; the rest is written as zeros. */
export interface MarkerMessage {
  readonly header: Header;
  readonly ns: string;
  readonly id: number;
  readonly type: number;
  readonly action: number;
  readonly pose: PoseMessage;
  readonly scale: Vector3;
  readonly color: { readonly r: number; readonly g: number; readonly b: number; readonly a: number };
  readonly text: string;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** Type name -> message. What is missing here can still be read; only these can be written. */
export interface RosMessages {
  'sensor_msgs/msg/Image': {
    readonly header: Header;
    readonly height: number;
    readonly width: number;
    readonly encoding: string;
    readonly is_bigendian: number;
    readonly step: number;
    readonly data: Uint8Array;
  };
  'sensor_msgs/msg/CompressedImage': { readonly header: Header; readonly format: string; readonly data: Uint8Array };
  'sensor_msgs/msg/CameraInfo': {
    readonly header: Header;
    readonly height: number;
    readonly width: number;
    readonly distortion_model: string;
    readonly d: readonly number[] | Float64Array;
    readonly k: Matrix9;
    readonly r: Matrix9;
    /** [3, 4] row-major. */
    readonly p: readonly number[] | Float64Array;
    readonly binning_x: number;
    readonly binning_y: number;
    readonly roi: {
      readonly x_offset: number;
      readonly y_offset: number;
      readonly height: number;
      readonly width: number;
      readonly do_rectify: boolean;
    };
  };
  'sensor_msgs/msg/NavSatFix': NavSatFix;
  'sensor_msgs/msg/Imu': {
    readonly header: Header;
    readonly orientation: Quaternion;
    readonly orientation_covariance: Matrix9;
    readonly angular_velocity: Vector3;
    readonly angular_velocity_covariance: Matrix9;
    readonly linear_acceleration: Vector3;
    readonly linear_acceleration_covariance: Matrix9;
  };
  'nav_msgs/msg/Odometry': {
    readonly header: Header;
    readonly child_frame_id: string;
    readonly pose: PoseWithCovariance;
    readonly twist: {
      readonly twist: { readonly linear: Vector3; readonly angular: Vector3 };
      readonly covariance: Covariance36;
    };
  };
  'geometry_msgs/msg/PoseStamped': { readonly header: Header; readonly pose: PoseMessage };
  'geometry_msgs/msg/PoseWithCovarianceStamped': { readonly header: Header; readonly pose: PoseWithCovariance };
  'geometry_msgs/msg/PoseArray': { readonly header: Header; readonly poses: readonly PoseMessage[] };
  'nav_msgs/msg/Path': {
    readonly header: Header;
    readonly poses: readonly { readonly header: Header; readonly pose: PoseMessage }[];
  };
  'tf2_msgs/msg/TFMessage': { readonly transforms: readonly TransformStamped[] };
  'diagnostic_msgs/msg/DiagnosticArray': {
    readonly header: Header;
    readonly status: readonly {
      /** 0 ok, 1 warning, 2 error, 3 stale. */
      readonly level: number;
      readonly name: string;
      readonly message: string;
      readonly hardware_id: string;
      readonly values: readonly KeyValue[];
    }[];
  };
  'visualization_msgs/msg/MarkerArray': { readonly markers: readonly MarkerMessage[] };
  'netvlad_localizer/msg/PlaceHypotheses': {
    readonly header: Header;
    readonly map_id: string;
    readonly model_id: string;
    readonly state: number;
    readonly confidence: number;
    readonly reason: string;
    readonly hypotheses: readonly PlaceHypothesisMessage[];
  };
  'netvlad_localizer/msg/RecallDiagnostics': {
    readonly header: Header;
    readonly queries: number;
    readonly queries_with_truth: number;
    readonly radius: number;
    readonly n: readonly number[];
    readonly recall: readonly number[];
    readonly expected_recall: readonly number[];
    readonly accepted_precision: number;
    readonly median_position_error: number;
    readonly calibration_error: number;
  };
}

export type RosTypeName = keyof RosMessages;
