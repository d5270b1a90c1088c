/**
 * @file The ROS messages and services that the node speaks, as plain structures. rclnodejs generates its own types on a
 * machine with ROS only; these compile anywhere. What recordings hold too is described once, in the bags room.
 */
import type { Header, PoseWithCovariance, RosMessages } from '../bags/messages.ts';
import type { RosTime } from '../bags/rosTime.ts';

export type {
  Header,
  KeyValue,
  MarkerMessage as Marker,
  NavSatFix,
  PlaceHypothesisMessage,
  PoseMessage,
  PoseWithCovariance,
  Quaternion,
  TransformStamped,
  Vector3,
} from '../bags/messages.ts';

export type Time = RosTime;
export type PlaceHypothesesMessage = RosMessages['netvlad_localizer/msg/PlaceHypotheses'];
export type PoseWithCovarianceStamped = RosMessages['geometry_msgs/msg/PoseWithCovarianceStamped'];
export type PoseStamped = RosMessages['geometry_msgs/msg/PoseStamped'];
export type PoseArray = RosMessages['geometry_msgs/msg/PoseArray'];
export type Path = RosMessages['nav_msgs/msg/Path'];
export type Odometry = RosMessages['nav_msgs/msg/Odometry'];
export type CompressedImage = RosMessages['sensor_msgs/msg/CompressedImage'];
export type TFMessage = RosMessages['tf2_msgs/msg/TFMessage'];
export type DiagnosticArray = RosMessages['diagnostic_msgs/msg/DiagnosticArray'];
export type DiagnosticStatus = DiagnosticArray['status'][number];
export type RecallDiagnosticsMessage = RosMessages['netvlad_localizer/msg/RecallDiagnostics'];

export interface LoopClosureMessage {
  readonly header: Header;
  readonly from_place_id: bigint;
  readonly to_place_id: bigint;
  readonly from_stamp: Time;
  readonly to_stamp: Time;
  readonly similarity: number;
  readonly probability: number;
  readonly accepted: boolean;
  readonly to_from_from: PoseWithCovariance;
}

export interface LifecycleState {
  readonly id: number;
  readonly label: string;
}
export type LifecycleTransition = LifecycleState;
export interface TransitionDescription {
  readonly transition: LifecycleTransition;
  readonly start_state: LifecycleState;
  readonly goal_state: LifecycleState;
}
export interface TransitionEvent extends TransitionDescription {
  /** Nanoseconds. */
  readonly timestamp: bigint;
}

/** rcl_interfaces/ParameterType of `type`; only the field it names is meant. */
export interface ParameterValueMessage {
  readonly type: number;
  readonly bool_value: boolean;
  readonly integer_value: bigint;
  readonly double_value: number;
  readonly string_value: string;
  readonly byte_array_value: readonly number[];
  readonly bool_array_value: readonly boolean[];
  readonly integer_array_value: readonly bigint[];
  readonly double_array_value: readonly number[];
  readonly string_array_value: readonly string[];
}
export interface ParameterMessage {
  readonly name: string;
  readonly value: ParameterValueMessage;
}
export interface ParameterDescriptorMessage {
  readonly name: string;
  readonly type: number;
  readonly description: string;
  readonly additional_constraints: string;
  readonly read_only: boolean;
  readonly dynamic_typing: boolean;
  readonly floating_point_range: readonly {
    readonly from_value: number;
    readonly to_value: number;
    readonly step: number;
  }[];
  readonly integer_range: readonly { readonly from_value: bigint; readonly to_value: bigint; readonly step: bigint }[];
}
export interface ParameterEvent {
  readonly stamp: Time;
  readonly node: string;
  readonly new_parameters: readonly ParameterMessage[];
  readonly changed_parameters: readonly ParameterMessage[];
  readonly deleted_parameters: readonly ParameterMessage[];
}
export interface SetParametersResult {
  readonly successful: boolean;
  readonly reason: string;
}

type RecordedType =
  | 'diagnostic_msgs/msg/DiagnosticArray'
  | 'geometry_msgs/msg/PoseArray'
  | 'geometry_msgs/msg/PoseStamped'
  | 'geometry_msgs/msg/PoseWithCovarianceStamped'
  | 'nav_msgs/msg/Odometry'
  | 'nav_msgs/msg/Path'
  | 'netvlad_localizer/msg/PlaceHypotheses'
  | 'netvlad_localizer/msg/RecallDiagnostics'
  | 'sensor_msgs/msg/CompressedImage'
  | 'sensor_msgs/msg/NavSatFix'
  | 'tf2_msgs/msg/TFMessage'
  | 'visualization_msgs/msg/MarkerArray';

/** Message type name -> its structure. */
export interface MessageTypes extends Pick<RosMessages, RecordedType> {
  'lifecycle_msgs/msg/TransitionEvent': TransitionEvent;
  'netvlad_localizer/msg/LoopClosure': LoopClosureMessage;
  'rcl_interfaces/msg/ParameterEvent': ParameterEvent;
  'rosgraph_msgs/msg/Clock': { readonly clock: Time };
}
export type MessageType = keyof MessageTypes;

/** Types that are received as CDR bytes only: large images, and messages that are counted, not read. */
export type RawMessageType = 'sensor_msgs/msg/Image' | 'sensor_msgs/msg/CompressedImage' | 'sensor_msgs/msg/CameraInfo';

type Empty = Readonly<Record<string, never>>;

/** Service type name -> its request and response. */
export interface ServiceTypes {
  'std_srvs/srv/Trigger': {
    readonly request: Empty;
    readonly response: { readonly success: boolean; readonly message: string };
  };
  'std_srvs/srv/SetBool': {
    readonly request: { readonly data: boolean };
    readonly response: { readonly success: boolean; readonly message: string };
  };
  'lifecycle_msgs/srv/ChangeState': {
    readonly request: { readonly transition: LifecycleTransition };
    readonly response: { readonly success: boolean };
  };
  'lifecycle_msgs/srv/GetState': {
    readonly request: Empty;
    readonly response: { readonly current_state: LifecycleState };
  };
  'lifecycle_msgs/srv/GetAvailableStates': {
    readonly request: Empty;
    readonly response: { readonly available_states: readonly LifecycleState[] };
  };
  'lifecycle_msgs/srv/GetAvailableTransitions': {
    readonly request: Empty;
    readonly response: { readonly available_transitions: readonly TransitionDescription[] };
  };
  'rcl_interfaces/srv/DescribeParameters': {
    readonly request: { readonly names: readonly string[] };
    readonly response: { readonly descriptors: readonly ParameterDescriptorMessage[] };
  };
  'rcl_interfaces/srv/GetParameters': {
    readonly request: { readonly names: readonly string[] };
    readonly response: { readonly values: readonly ParameterValueMessage[] };
  };
  'rcl_interfaces/srv/GetParameterTypes': {
    readonly request: { readonly names: readonly string[] };
    readonly response: { readonly types: readonly number[] };
  };
  'rcl_interfaces/srv/ListParameters': {
    readonly request: { readonly prefixes: readonly string[]; readonly depth: bigint };
    readonly response: { readonly result: { readonly names: readonly string[]; readonly prefixes: readonly string[] } };
  };
  'rcl_interfaces/srv/SetParameters': {
    readonly request: { readonly parameters: readonly ParameterMessage[] };
    readonly response: { readonly results: readonly SetParametersResult[] };
  };
  'rcl_interfaces/srv/SetParametersAtomically': {
    readonly request: { readonly parameters: readonly ParameterMessage[] };
    readonly response: { readonly result: SetParametersResult };
  };
}
export type ServiceType = keyof ServiceTypes;
