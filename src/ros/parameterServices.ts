/** @file The parameter services and /parameter_events of a ROS 2 node, over the ParameterStore. */
import { toRosTime } from '../bags/rosTime.ts';
import type {
  ParameterDescriptorMessage,
  ParameterMessage,
  ParameterValueMessage,
  SetParametersResult,
} from './messages.ts';
import type { ParameterStore } from './ParameterStore.ts';
import type { ParameterDefinition, ParameterType, ParameterValue } from './ParameterDefinition.ts';
import { readSystemTimeNs } from './NodeTime.ts';
import { DEFAULT_QOS, type Destroyable, type RosNode } from './RosNode.ts';

/** rcl_interfaces/msg/ParameterType. */
const NOT_SET = 0;
const TYPE_IDS: Readonly<Record<ParameterType, number>> = {
  bool: 1,
  integer: 2,
  double: 3,
  string: 4,
  string_array: 9,
};

const EMPTY_VALUE: ParameterValueMessage = {
  type: NOT_SET,
  bool_value: false,
  integer_value: 0n,
  double_value: 0,
  string_value: '',
  byte_array_value: [],
  bool_array_value: [],
  integer_array_value: [],
  double_array_value: [],
  string_array_value: [],
};

export function toValueMessage(type: ParameterType, value: ParameterValue): ParameterValueMessage {
  const base = { ...EMPTY_VALUE, type: TYPE_IDS[type] };
  switch (type) {
    case 'bool':
      return { ...base, bool_value: value as boolean };
    case 'integer':
      return { ...base, integer_value: BigInt(value as number) };
    case 'double':
      return { ...base, double_value: value as number };
    case 'string':
      return { ...base, string_value: value as string };
    case 'string_array':
      return { ...base, string_array_value: value as readonly string[] };
  }
}

/** The one field that `type` names; undefined for an unset or unknown type. */
export function fromValueMessage(message: ParameterValueMessage): unknown {
  const fields = [
    undefined,
    message.bool_value,
    message.integer_value,
    message.double_value,
    message.string_value,
    message.byte_array_value,
    message.bool_array_value,
    message.integer_array_value,
    message.double_array_value,
    message.string_array_value,
  ];
  return fields[message.type];
}

const CHANGE_NOTES = {
  dynamic: 'Takes effect at once.',
  structural: 'Takes effect at the next configure.',
  startup: 'Set when the node is started.',
} as const;

export function toDescriptorMessage(name: string, definition: ParameterDefinition): ParameterDescriptorMessage {
  const unit = definition.unit === undefined ? '' : ` [${definition.unit}]`;
  const choices = 'choices' in definition ? definition.choices : undefined;
  const [least, most] = 'range' in definition ? definition.range : [0, 0];
  return {
    name,
    type: TYPE_IDS[definition.type],
    description: `${definition.doc}${unit} ${CHANGE_NOTES[definition.change]}`,
    additional_constraints: choices === undefined ? '' : `one of: ${choices.join(', ')}`,
    read_only: definition.change === 'startup',
    dynamic_typing: false,
    floating_point_range: definition.type === 'double' ? [{ from_value: least, to_value: most, step: 0 }] : [],
    integer_range:
      definition.type === 'integer' ? [{ from_value: BigInt(least), to_value: BigInt(most), step: 1n }] : [],
  };
}

/** The names under one of the prefixes (all without any), at most `depth` dots deeper; 0 = any depth. */
export function listNames(names: readonly string[], prefixes: readonly string[], depth: number): readonly string[] {
  const dots = (text: string): number => text.split('.').length - 1;
  const deepEnough = (text: string): boolean => depth === 0 || dots(text) < depth;
  if (prefixes.length === 0) return names.filter(deepEnough);
  return names.filter((name) =>
    prefixes.some(
      (prefix) => name === prefix || (name.startsWith(`${prefix}.`) && deepEnough(name.slice(prefix.length + 1))),
    ),
  );
}

/** Serves the six standard services; returns what takes them off the graph. */
export function serveParameters(node: RosNode, store: ParameterStore): readonly Destroyable[] {
  const events = node.createPublisher('rcl_interfaces/msg/ParameterEvent', '/parameter_events', {
    ...DEFAULT_QOS,
    depth: 1000,
  });
  const valueMessage = (name: string): ParameterValueMessage => {
    const definition = store.definition(name);
    return definition === undefined ? EMPTY_VALUE : toValueMessage(definition.type, store.value(name)!);
  };
  const publishEvent = (names: readonly string[], kind: 'new_parameters' | 'changed_parameters'): void => {
    const parameters = names.map((name) => ({ name, value: valueMessage(name) }));
    const none: readonly ParameterMessage[] = [];
    const lists = { new_parameters: none, changed_parameters: none, deleted_parameters: none, [kind]: parameters };
    events.publish({ stamp: toRosTime(readSystemTimeNs()), node: node.fullyQualifiedName, ...lists });
  };
  const set = (parameters: readonly ParameterMessage[]): SetParametersResult => {
    const problem = store.set(new Map(parameters.map(({ name, value }) => [name, fromValueMessage(value)])));
    if (problem === null)
      publishEvent(
        parameters.map(({ name }) => name),
        'changed_parameters',
      );
    return { successful: problem === null, reason: problem ?? '' };
  };
  publishEvent(store.names, 'new_parameters');
  return [
    events,
    node.serve('rcl_interfaces/srv/DescribeParameters', '~/describe_parameters', ({ names }) => ({
      descriptors: names.flatMap((name) => {
        const definition = store.definition(name);
        return definition === undefined ? [] : [toDescriptorMessage(name, definition)];
      }),
    })),
    node.serve('rcl_interfaces/srv/GetParameters', '~/get_parameters', ({ names }) => ({
      values: names.map(valueMessage),
    })),
    node.serve('rcl_interfaces/srv/GetParameterTypes', '~/get_parameter_types', ({ names }) => ({
      types: names.map((name) => valueMessage(name).type),
    })),
    node.serve('rcl_interfaces/srv/ListParameters', '~/list_parameters', ({ prefixes, depth }) => {
      const names = listNames(store.names, prefixes, Number(depth));
      const parents = names.filter((name) => name.includes('.')).map((name) => name.slice(0, name.lastIndexOf('.')));
      return { result: { names, prefixes: [...new Set(parents)] } };
    }),
    node.serve('rcl_interfaces/srv/SetParameters', '~/set_parameters', ({ parameters }) => ({
      results: parameters.map((parameter) => set([parameter])),
    })),
    node.serve('rcl_interfaces/srv/SetParametersAtomically', '~/set_parameters_atomically', ({ parameters }) => ({
      result: set(parameters),
    })),
  ];
}
