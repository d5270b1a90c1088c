/** @file What the table of parameters says of each: type, default, range, when it takes effect. */

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

/** Of each type, what a value is. */
export interface ValueOfType {
  readonly bool: boolean;
  readonly integer: number;
  readonly double: number;
  readonly string: string;
  readonly string_array: readonly string[];
}
export type ParameterType = keyof ValueOfType;
export type ParameterValue = ValueOfType[ParameterType];
