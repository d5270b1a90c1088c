/**
 * @file The `--ros-args` of a command line, with the parameter rules taken out of them: rclnodejs matches those against the
 * bare node name only and breaks on arrays of integers, so parameterOverrides.ts applies them instead.
 */
import { NetvladError } from '../errors.ts';

/** One source of parameter values, in the order of the command line; later ones win. */
export type ParameterRule =
  | { readonly kind: 'file'; readonly path: string }
  /** `node` is a name or pattern as in a parameter file; `/**` when the rule names none. `value` is YAML. */
  | { readonly kind: 'value'; readonly node: string; readonly name: string; readonly value: string };

export interface RosArguments {
  /** For rcl: remaps, log levels, enclave. */
  readonly forRcl: readonly string[];
  readonly parameterRules: readonly ParameterRule[];
  /** Outside `--ros-args`. */
  readonly others: readonly string[];
}

function usage(message: string): NetvladError {
  return new NetvladError('usage', message, {
    hint: 'Parameters: --ros-args -p name:=value, -p node:name:=value, --params-file FILE.',
  });
}

/** `name:=value` or `node:name:=value`. */
function parseAssignment(text: string): ParameterRule {
  const split = text.indexOf(':=');
  const left = split < 0 ? '' : text.slice(0, split);
  if (left === '') throw usage(`-p ${text}: expected name:=value.`);
  const colon = left.lastIndexOf(':');
  const value = text.slice(split + 2);
  return colon < 0
    ? { kind: 'value', node: '/**', name: left, value }
    : { kind: 'value', node: left.slice(0, colon), name: left.slice(colon + 1), value };
}

/** `argv` without the interpreter and the script. Throws a NetvladError('usage') on a rule without a value. */
export function parseRosArguments(argv: readonly string[]): RosArguments {
  const forRcl: string[] = [];
  const others: string[] = [];
  const parameterRules: ParameterRule[] = [];
  let inRos = false;
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    const next = (): string => {
      const value = argv[++i];
      if (value === undefined) throw usage(`${argument} needs a value.`);
      return value;
    };
    if (argument === '--ros-args') inRos = true;
    else if (argument === '--' && inRos) inRos = false;
    else if (!inRos) others.push(argument);
    else if (argument === '-p' || argument === '--param') parameterRules.push(parseAssignment(next()));
    else if (argument === '--params-file') parameterRules.push({ kind: 'file', path: next() });
    else forRcl.push(argument);
  }
  return { forRcl: forRcl.length > 0 ? ['--ros-args', ...forRcl] : [], parameterRules, others };
}
