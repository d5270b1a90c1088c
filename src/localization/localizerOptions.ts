/** @file The settings of the localizer: one table with defaults, ranges and words, which the node's parameters map onto one to one. */
import { NetvladError } from '../errors.ts';

export interface LocalizerOptions {
  readonly acceptProbability: number;
  readonly keepProbability: number;
  readonly offMapProbability: number;
  readonly placeRadiusM: number;
  readonly placeRadiusSteps: number;
  readonly headingToleranceDeg: number;
  readonly maxSpeedMps: number;
  readonly maxStepsPerFrame: number;
  readonly odometryNoise: number;
  readonly maxGapS: number;
  readonly frameWeight: number;
  readonly maxHypotheses: number;
  readonly sequence: boolean;
}

interface NumberSetting {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly integer?: true;
  readonly description: string;
}

interface BooleanSetting {
  readonly default: boolean;
  readonly description: string;
}

/** What each setting means, its range and its default. Dimensionless unless the name says otherwise. */
export const LOCALIZER_SETTINGS = {
  acceptProbability: {
    default: 0.95,
    min: 0.5,
    max: 0.9999,
    description:
      'Become `located` when the probability of the best place reaches this. Higher: fewer poses, fewer wrong ones.',
  },
  keepProbability: {
    default: 0.8,
    min: 0.1,
    max: 0.9999,
    description:
      'Stay `located` at the same place down to this probability, or to the one that accepts where that is lower (hysteresis).',
  },
  offMapProbability: {
    default: 0.7,
    min: 0.3,
    max: 0.9999,
    description: 'Say `off_map` when the probability of being at none of the places of the map reaches this.',
  },
  placeRadiusM: {
    default: 0,
    min: 0,
    max: 500,
    description:
      'Matches within this many metres are one place. 0: from the map, 2.5 times its spacing within 2..25 m.',
  },
  placeRadiusSteps: {
    default: 5,
    min: 1,
    max: 1000,
    description: 'The same in steps along the sequence, for maps without positions.',
  },
  headingToleranceDeg: {
    default: 50,
    min: 5,
    max: 180,
    description: 'Matches of one place whose headings differ by more are different pose hypotheses.',
  },
  maxSpeedMps: {
    default: 15,
    min: 0.01,
    max: 200,
    description:
      'Fastest motion of the camera, metres per second. Bounds the motion between frames when there is no odometry.',
  },
  maxStepsPerFrame: {
    default: 3,
    min: 0,
    max: 1000,
    description: 'Most steps along the sequence between two frames, for maps without positions.',
  },
  odometryNoise: {
    default: 0.1,
    min: 0,
    max: 2,
    description: 'One-sigma error of odometry per distance travelled.',
  },
  maxGapS: {
    default: 10,
    min: 0.1,
    max: 86_400,
    description: 'After this many seconds without a frame the past says nothing and the belief starts anew.',
  },
  frameWeight: {
    default: 0.9,
    min: 0.05,
    max: 1,
    description:
      'Exponent on the evidence of a further frame, beside what its view repeats of the last one: 1 counts it in full.',
  },
  maxHypotheses: {
    default: 10,
    min: 1,
    max: 100,
    integer: true,
    description: 'Hypotheses reported per frame.',
  },
  sequence: {
    default: true,
    description: 'Filter over the sequence. false: every frame is judged on its own.',
  },
} as const satisfies Record<keyof LocalizerOptions, NumberSetting | BooleanSetting>;

export const DEFAULT_LOCALIZER_OPTIONS: LocalizerOptions = Object.fromEntries(
  Object.entries(LOCALIZER_SETTINGS).map(([name, setting]) => [name, setting.default]),
) as unknown as LocalizerOptions;

/** Sentences about values out of range; empty when all is well. */
export function checkLocalizerOptions(options: LocalizerOptions): string[] {
  const problems: string[] = [];
  for (const [name, setting] of Object.entries(LOCALIZER_SETTINGS)) {
    const value = options[name as keyof LocalizerOptions];
    if (!('min' in setting)) continue;
    if (typeof value !== 'number' || !(value >= setting.min && value <= setting.max)) {
      problems.push(`${name} is ${value}, expected ${setting.min}..${setting.max}.`);
    } else if ('integer' in setting && !Number.isInteger(value)) {
      problems.push(`${name} is ${value}, expected a whole number.`);
    }
  }
  return problems;
}

/** Fills in defaults; throws `usage` when a value is out of range. */
export function resolveLocalizerOptions(options: Partial<LocalizerOptions> = {}): LocalizerOptions {
  const given = Object.entries(options).filter(([, value]) => (value as unknown) !== undefined);
  const resolved: LocalizerOptions = { ...DEFAULT_LOCALIZER_OPTIONS, ...Object.fromEntries(given) };
  const problems = checkLocalizerOptions(resolved);
  if (problems.length > 0) throw new NetvladError('usage', `Localizer settings: ${problems.join(' ')}`);
  return resolved;
}
