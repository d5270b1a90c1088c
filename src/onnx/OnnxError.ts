/** @file Errors about a graph: they name the node, its operator and what was expected. */
import { NetvladError } from '../errors.ts';
import type { GraphNode } from './graph.ts';

export function nodeError(node: GraphNode, problem: string): NetvladError {
  return new NetvladError('model', `ONNX node '${node.name}' (${node.opType}) ${problem}.`, {
    details: { node: node.name, operator: node.opType },
  });
}

export function onnxError(problem: string, hint?: string): NetvladError {
  return new NetvladError('model', problem, hint === undefined ? {} : { hint });
}
