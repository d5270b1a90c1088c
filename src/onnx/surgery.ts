/** @file Cutting, joining and renaming graphs. */
import type { Dimension, Graph, GraphNode } from './graph.ts';
import { onnxError } from './OnnxError.ts';

/** The nodes that the tensors depend on, down to `stops`, in the graph's order. */
function ancestors(graph: Graph, tensors: readonly string[], stops: ReadonlySet<string>): GraphNode[] {
  const wanted = new Set(tensors);
  const kept: GraphNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => wanted.has(output) && !stops.has(output))) continue;
    for (const input of node.inputs) if (input !== '') wanted.add(input);
    kept.push(node);
  }
  return kept.reverse();
}

/** Names of all tensors that a graph makes or is given. */
export function tensorNames(graph: Graph): Set<string> {
  return new Set([
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
}

interface Boundary {
  readonly name: string;
  readonly dims: readonly Dimension[];
}

/**
 * The part of a graph between two boundaries: computes `outputs` from `inputs` (the graph's own inputs where none are
 * given). Nodes and weights that the outputs do not need are left out.
 * @throws NetvladError `model` when a boundary names a tensor that the graph lacks, or when the outputs need another input
 */
export function cutGraph(
  graph: Graph,
  options: { readonly inputs?: readonly Boundary[]; readonly outputs: readonly Boundary[] },
): Graph {
  const names = tensorNames(graph);
  for (const { name } of [...(options.inputs ?? []), ...options.outputs]) {
    if (!names.has(name)) throw onnxError(`ONNX graph '${graph.name}' has no tensor '${name}' to cut at.`);
  }
  const stops = new Set(options.inputs?.map((input) => input.name));
  const nodes = ancestors(
    graph,
    options.outputs.map((output) => output.name),
    stops,
  );
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const inputs = [
    ...(options.inputs ?? []).map((input) => ({ ...input, type: 'float' as const })),
    ...graph.inputs.filter((input) => used.has(input.name) && !stops.has(input.name)),
  ];
  if (options.inputs !== undefined && inputs.length > options.inputs.length) {
    const extra = inputs.slice(options.inputs.length).map((input) => input.name);
    throw onnxError(`ONNX graph '${graph.name}': the outputs also need ${extra.join(', ')}.`);
  }
  return {
    name: graph.name,
    nodes,
    inputs,
    outputs: options.outputs.map((output) => ({ ...output, type: 'float' })),
    initializers: new Map([...graph.initializers].filter(([name]) => used.has(name))),
  };
}

/** Renames tensors everywhere in a graph. */
export function renameTensors(graph: Graph, rename: (name: string) => string): Graph {
  const each = (name: string): string => (name === '' ? '' : rename(name));
  return {
    name: graph.name,
    nodes: graph.nodes.map((node) => node.with({ inputs: node.inputs.map(each), outputs: node.outputs.map(each) })),
    inputs: graph.inputs.map((info) => ({ ...info, name: each(info.name) })),
    outputs: graph.outputs.map((info) => ({ ...info, name: each(info.name) })),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [each(name), tensor])),
  };
}

/**
 * Feeds the first graph's tensor `from` into the second's input `into`. Names of the second that the first has too get
 * `prefix`. The outputs are the second's, and of the first's those named in `keep`.
 */
export function joinGraphs(
  first: Graph,
  second: Graph,
  seam: { readonly from: string; readonly into: string; readonly prefix: string; readonly keep?: readonly string[] },
): Graph {
  const taken = tensorNames(first);
  if (!taken.has(seam.from)) throw onnxError(`ONNX graph '${first.name}' has no tensor '${seam.from}' to join at.`);
  if (!second.inputs.some((input) => input.name === seam.into)) {
    throw onnxError(`ONNX graph '${second.name}' has no input '${seam.into}' to join at.`);
  }
  const renamed = renameTensors(second, (name) =>
    name === seam.into ? seam.from : taken.has(name) ? `${seam.prefix}${name}` : name,
  );
  return {
    name: first.name,
    nodes: [...first.nodes, ...renamed.nodes.map((node) => node.with({ name: `${seam.prefix}${node.name}` }))],
    inputs: [...first.inputs, ...renamed.inputs.filter((input) => input.name !== seam.from)],
    outputs: [...first.outputs.filter((output) => seam.keep?.includes(output.name) === true), ...renamed.outputs],
    initializers: new Map([...first.initializers, ...renamed.initializers]),
  };
}
