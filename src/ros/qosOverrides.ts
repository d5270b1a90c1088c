/** @file `qos_overrides.<topic>.subscription.*`: the standard parameters by which a launch file changes a topic's QoS. */
import type { ParameterStore } from './ParameterStore.ts';
import type { ParameterDefinition } from './ParameterDefinition.ts';
import type { Durability, Qos, Reliability } from './RosNode.ts';

/** The definitions for one subscription; `topic` is as on the graph. */
export function createQosDefinitions(topic: string, qos: Qos): Readonly<Record<string, ParameterDefinition>> {
  const prefix = `qos_overrides.${topic}.subscription`;
  const common = { group: 'input', change: 'startup' } as const;
  return {
    [`${prefix}.reliability`]: {
      ...common,
      type: 'string',
      default: qos.reliability,
      choices: ['reliable', 'best_effort'],
      doc: `Reliability of the subscription to ${topic}. best_effort matches every publisher.`,
    },
    [`${prefix}.durability`]: {
      ...common,
      type: 'string',
      default: qos.durability,
      choices: ['volatile', 'transient_local'],
      doc: `Durability of the subscription to ${topic}. volatile matches every publisher.`,
    },
    [`${prefix}.depth`]: {
      ...common,
      type: 'integer',
      default: qos.depth,
      range: [1, 1000],
      doc: `Messages on ${topic} that the middleware keeps for the node.`,
    },
  };
}

/** Declares the parameters on first use and returns the QoS that they say, with the problems of their values. */
export function readQos(
  store: ParameterStore,
  topic: string,
  qos: Qos,
): { readonly qos: Qos; readonly problems: readonly string[] } {
  const prefix = `qos_overrides.${topic}.subscription`;
  const isNew = store.definition(`${prefix}.depth`) === undefined;
  const problems = isNew ? store.declare(createQosDefinitions(topic, qos)) : [];
  return {
    qos: {
      reliability: store.value(`${prefix}.reliability`) as Reliability,
      durability: store.value(`${prefix}.durability`) as Durability,
      depth: store.value(`${prefix}.depth`) as number,
    },
    problems,
  };
}
