/** @file The settings of the localizer as parameters of the node: their names and units here, all else in the localizer's own table. */
import { LOCALIZER_SETTINGS, type LocalizerOptions } from '../localization/localizerOptions.ts';
import type { ParameterDefinition } from './ParameterDefinition.ts';

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

/** Their entries in the table. */
export function createLocalizerParameters(): LocalizerDefinitions {
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
