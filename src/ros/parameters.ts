/**
 * @file The one table of the node's parameters. ROS descriptors, `config/localizer.yaml` and `docs/parameters.md` are made
 * from it (scripts/generate-parameters.js), and a test compares them.
 */
import { DEFAULT_LOOP_CLOSURE_OPTIONS } from '../localization/LoopClosureDetector.ts';
import { LOCALIZER_SETTINGS, type LocalizerOptions } from '../localization/localizerOptions.ts';

/**
 * When a new value takes effect: `dynamic` at once; `structural` at the next configure (cleanup first); `startup` only in a
 * new process, so that ROS shows it as read-only.
 */
export type ParameterChange = 'dynamic' | 'structural' | 'startup';

interface Described {
  readonly group: ParameterGroup;
  /** One or two sentences: what it does and when to change it. */
  readonly doc: string;
  readonly change: ParameterChange;
  readonly unit?: string;
}
export type ParameterDefinition = Described &
  (
    | { readonly type: 'bool'; readonly default: boolean }
    | { readonly type: 'integer'; readonly default: number; readonly range: readonly [number, number] }
    | { readonly type: 'double'; readonly default: number; readonly range: readonly [number, number] }
    | { readonly type: 'string'; readonly default: string; readonly choices?: readonly string[] }
    | { readonly type: 'string_array'; readonly default: readonly string[]; readonly choices?: readonly string[] }
  );

export const PARAMETER_GROUPS = {
  files: 'Model and map',
  input: 'Camera and other inputs',
  recognition: 'Recognition',
  localization: 'Localization',
  frames: 'Frames and tf',
  mapping: 'Mapping on the robot',
  evaluation: 'Measured recall',
  node: 'The node itself',
} as const;
export type ParameterGroup = keyof typeof PARAMETER_GROUPS;

/** The localizer's settings as parameters: snake case, units apart. */
export const LOCALIZER_PARAMETERS = {
  accept_probability: { setting: 'acceptProbability' },
  keep_probability: { setting: 'keepProbability' },
  off_map_probability: { setting: 'offMapProbability' },
  place_radius: { setting: 'placeRadiusM', unit: 'm' },
  place_radius_steps: { setting: 'placeRadiusSteps' },
  heading_tolerance: { setting: 'headingToleranceDeg', unit: 'deg' },
  max_speed: { setting: 'maxSpeedMps', unit: 'm/s' },
  max_steps_per_frame: { setting: 'maxStepsPerFrame' },
  odometry_noise: { setting: 'odometryNoise' },
  max_gap: { setting: 'maxGapS', unit: 's' },
  frame_weight: { setting: 'frameWeight' },
  max_hypotheses: { setting: 'maxHypotheses' },
  sequence_filter: { setting: 'sequence' },
} as const satisfies Readonly<Record<string, { readonly setting: keyof LocalizerOptions; readonly unit?: string }>>;
type LocalizerParameter = keyof typeof LOCALIZER_PARAMETERS;

type LocalizerDefinitions = {
  readonly [N in LocalizerParameter]: ParameterDefinition & {
    readonly type: (typeof LOCALIZER_PARAMETERS)[N]['setting'] extends 'sequence' ? 'bool' : 'double' | 'integer';
  };
};

function createLocalizerParameters(): LocalizerDefinitions {
  const definitions = Object.entries(LOCALIZER_PARAMETERS).map(([name, mapped]): [string, ParameterDefinition] => {
    const setting = LOCALIZER_SETTINGS[mapped.setting];
    const unit = 'unit' in mapped ? { unit: mapped.unit } : {};
    const common = { group: 'localization', change: 'dynamic', doc: setting.description, ...unit } as const;
    if (typeof setting.default === 'boolean') return [name, { ...common, type: 'bool', default: setting.default }];
    if (!('min' in setting)) throw new Error(`Localizer setting ${mapped.setting} has no range.`);
    const type = 'integer' in setting ? 'integer' : 'double';
    return [name, { ...common, type, default: setting.default, range: [setting.min, setting.max] }];
  });
  return Object.fromEntries(definitions) as LocalizerDefinitions;
}

/** The localizer's settings out of the node's parameters. */
export function toLocalizerOptions(values: Readonly<Record<LocalizerParameter, unknown>>): Partial<LocalizerOptions> {
  const options = Object.entries(LOCALIZER_PARAMETERS).map(([name, { setting }]) => [
    setting,
    values[name as LocalizerParameter],
  ]);
  return Object.fromEntries(options) as Partial<LocalizerOptions>;
}

export const PARAMETERS = {
  map: {
    group: 'files',
    type: 'string',
    default: '',
    change: 'structural',
    doc: 'Path of the map file (*.vprmap), made by `netvlad map build` or by this node while mapping. Must be given.',
  },
  model: {
    group: 'files',
    type: 'string',
    default: '',
    change: 'structural',
    doc: 'Path of the model manifest (name.json). Empty: the default model that comes with the package. It must be the model that made the map.',
  },
  providers: {
    group: 'files',
    type: 'string_array',
    default: ['cpu'],
    choices: ['cuda', 'cpu'],
    change: 'structural',
    doc: 'Execution providers of ONNX Runtime in order of preference. [cuda, cpu] runs on the GPU and falls back to the CPU with a WARN in the diagnostics; [cuda] alone refuses to configure without a GPU.',
  },
  inference_threads: {
    group: 'files',
    type: 'integer',
    default: 0,
    range: [0, 128],
    change: 'structural',
    doc: 'Threads of one inference on the CPU. 0: as many as there are physical cores. Lower it to leave cores to the rest of the robot.',
  },
  image_transport: {
    group: 'input',
    type: 'string',
    default: 'raw',
    choices: ['raw', 'compressed'],
    change: 'structural',
    doc: 'raw subscribes to `image`, compressed to `image/compressed`. Compressed costs less of the network and avoids the loss of large raw images in Fast-DDS.',
  },
  expected_rate: {
    group: 'input',
    type: 'double',
    default: 0.0,
    unit: 'Hz',
    range: [0, 1000],
    change: 'dynamic',
    doc: 'Rate at which images should come. Below 90 % of it the diagnostics warn. 0: no expectation.',
  },
  stamp_tolerance: {
    group: 'input',
    type: 'double',
    default: 5.0,
    unit: 's',
    range: [0.01, 3600],
    change: 'dynamic',
    doc: "Image stamps further than this from the node's clock, before or after, are reported: clocks of two machines differ, or use_sim_time is missing.",
  },
  use_odometry: {
    group: 'input',
    type: 'bool',
    default: true,
    change: 'dynamic',
    doc: 'Use `odom` for the motion between frames when it is published.',
  },
  use_fix: {
    group: 'input',
    type: 'bool',
    default: true,
    change: 'dynamic',
    doc: 'Use `fix` as a position prior when it is published and the map has a datum.',
  },
  odometry_tolerance: {
    group: 'input',
    type: 'double',
    default: 0.2,
    unit: 's',
    range: [0, 10],
    change: 'dynamic',
    doc: 'An odometry message or a fix is used for an image when their stamps differ by at most this.',
  },
  top_k: {
    group: 'recognition',
    type: 'integer',
    default: 20,
    range: [1, 1000],
    change: 'dynamic',
    doc: 'Places that are retrieved for every image. More find a rarely seen place more surely and cost little.',
  },
  verify_top_k: {
    group: 'recognition',
    type: 'integer',
    default: 20,
    range: [0, 1000],
    change: 'structural',
    doc: 'Spatially verify the best K candidates from local features. 0: off. Needs a map with local features.',
  },
  index: {
    group: 'recognition',
    type: 'string',
    default: 'auto',
    choices: ['auto', 'exact', 'hnsw'],
    change: 'structural',
    doc: 'exact compares with every place; hnsw is approximate and fast on maps of 100,000 places; auto chooses by size.',
  },
  ...createLocalizerParameters(),
  map_frame: {
    group: 'frames',
    type: 'string',
    default: '',
    change: 'structural',
    doc: 'Name of the map frame in headers and tf. Empty: as the map file says.',
  },
  odom_frame: {
    group: 'frames',
    type: 'string',
    default: 'odom',
    change: 'structural',
    doc: 'Odometry frame: parent of base_frame in tf, child of the map frame in what publish_tf sends.',
  },
  base_frame: {
    group: 'frames',
    type: 'string',
    default: '',
    change: 'structural',
    doc: 'Frame whose pose ~/pose gives, e.g. base_link; needs base_frame -> camera in /tf_static. Empty: the pose of the camera body (x forward).',
  },
  publish_tf: {
    group: 'frames',
    type: 'bool',
    default: false,
    change: 'dynamic',
    doc: 'Publish map -> odom while located. Leave it off when robot_localization or amcl does. Needs base_frame and odom_frame -> base_frame in /tf.',
  },
  transform_tolerance: {
    group: 'frames',
    type: 'double',
    default: 0.5,
    unit: 's',
    range: [0, 60],
    change: 'dynamic',
    doc: 'map -> odom is dated this much after its image, so that consumers need not wait for the next one (as amcl does).',
  },
  'mapping.enabled': {
    group: 'mapping',
    type: 'bool',
    default: false,
    change: 'structural',
    doc: 'Start mapping at activation, and make the map file when it is missing. ~/set_mapping switches at any time.',
  },
  'mapping.geotag': {
    group: 'mapping',
    type: 'string',
    default: 'odom',
    choices: ['odom', 'fix', 'pose'],
    change: 'structural',
    doc: 'Where the position of a new place comes from: `odom`, `fix` (GNSS; its first message is the datum of a new map), or the topic `mapping_pose` (PoseStamped in the map frame). Without one a place is stored by its order only.',
  },
  'mapping.keyframe_distance': {
    group: 'mapping',
    type: 'double',
    default: 2.0,
    unit: 'm',
    range: [0, 1000],
    change: 'dynamic',
    doc: 'A frame this far from the last keyframe becomes a place.',
  },
  'mapping.keyframe_turn': {
    group: 'mapping',
    type: 'double',
    default: 30.0,
    unit: 'deg',
    range: [0, 180],
    change: 'dynamic',
    doc: 'A frame turned this much against the last keyframe becomes a place.',
  },
  'mapping.novelty': {
    group: 'mapping',
    type: 'double',
    default: 0.6,
    range: [-1, 1],
    change: 'dynamic',
    doc: 'A frame whose similarity to the last keyframe is below this becomes a place, whatever the odometry says.',
  },
  'mapping.sequence': {
    group: 'mapping',
    type: 'string',
    default: '',
    change: 'structural',
    doc: 'Name of the drive, stored with each place. Empty: the UTC time at which mapping starts.',
  },
  'mapping.loop_min_time': {
    group: 'mapping',
    type: 'double',
    default: DEFAULT_LOOP_CLOSURE_OPTIONS.minTimeS,
    unit: 's',
    range: [0, 86_400],
    change: 'structural',
    doc: 'Places seen more recently than this are no loop closure; they are still in sight.',
  },
  'mapping.loop_min_travel': {
    group: 'mapping',
    type: 'double',
    default: DEFAULT_LOOP_CLOSURE_OPTIONS.minTravelM,
    unit: 'm',
    range: [0, 100_000],
    change: 'structural',
    doc: 'Nor are places within this of travel, as far as odometry tells.',
  },
  'mapping.loop_min_keyframes': {
    group: 'mapping',
    type: 'integer',
    default: DEFAULT_LOOP_CLOSURE_OPTIONS.minKeyframes,
    range: [1, 100_000],
    change: 'structural',
    doc: 'Nor the last keyframes, this many.',
  },
  'mapping.loop_require_evidence': {
    group: 'mapping',
    type: 'bool',
    default: DEFAULT_LOOP_CLOSURE_OPTIONS.requireEvidence,
    change: 'structural',
    doc: 'Accept a loop closure only when spatial verification has confirmed it; candidates are published all the same.',
  },
  ground_truth_type: {
    group: 'evaluation',
    type: 'string',
    default: 'none',
    choices: ['none', 'pose', 'fix'],
    change: 'structural',
    doc: 'Type of `ground_truth`: pose (PoseStamped in the map frame) or fix (NavSatFix). Turns on measured recall in ~/recall.',
  },
  ground_truth_radius: {
    group: 'evaluation',
    type: 'double',
    default: 25.0,
    unit: 'm',
    range: [0.01, 10000],
    change: 'dynamic',
    doc: 'A match within this distance of the truth counts as right.',
  },
  ground_truth_window: {
    group: 'evaluation',
    type: 'integer',
    default: 1000,
    unit: 'frames',
    range: [1, 100000],
    change: 'dynamic',
    doc: 'The numbers of ~/recall are of the last so many frames.',
  },
  autostart: {
    group: 'node',
    type: 'bool',
    default: true,
    change: 'startup',
    doc: 'Configure and activate without a lifecycle manager. Set it to false under nav2_lifecycle_manager.',
  },
  use_sim_time: {
    group: 'node',
    type: 'bool',
    default: false,
    change: 'dynamic',
    doc: 'Follow /clock, as with `ros2 bag play --clock`.',
  },
  log_level: {
    group: 'node',
    type: 'string',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    change: 'dynamic',
    doc: "Lowest severity of this node's log.",
  },
  'diagnostic_updater.period': {
    group: 'node',
    type: 'double',
    default: 1.0,
    unit: 's',
    range: [0.1, 60],
    change: 'dynamic',
    doc: 'Time between two messages on /diagnostics.',
  },
  'diagnostic_updater.use_fqn': {
    group: 'node',
    type: 'bool',
    default: false,
    change: 'dynamic',
    doc: 'Name the statuses by the fully qualified node name; needed to tell several of these nodes apart.',
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

export type ParameterName = keyof typeof PARAMETERS;

interface ValueOfType {
  readonly bool: boolean;
  readonly integer: number;
  readonly double: number;
  readonly string: string;
  readonly string_array: readonly string[];
}
export type ParameterType = keyof ValueOfType;
export type ParameterValue = ValueOfType[ParameterType];
export type ValueOf<N extends ParameterName> = ValueOfType[(typeof PARAMETERS)[N]['type']];
export type ParameterValues = { readonly [N in ParameterName]: ValueOf<N> };
