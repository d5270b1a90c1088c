/** @file Building graphs operator by operator; every call gives the name of the tensor it makes. */
import { GraphNode, IR_VERSION, OPSET, elementCount, floatTensor, intTensor } from './graph.ts';
import type { Attribute, Dimension, ElementType, Graph, OnnxModel, Tensor, ValueInfo } from './graph.ts';
import { onnxError } from './OnnxError.ts';
import { ELEMENT_TYPES } from './protobufFields.ts';

/** Attributes as one writes them: whole numbers are ints, lists are ints, text is text; wrap real numbers in `real`. */
export type AttributeValues = Readonly<Record<string, number | string | readonly number[] | Attribute>>;

/** A floating-point attribute; a bare number would be written as an integer. */
export function real(value: number): Attribute {
  return { kind: 'float', value };
}

function toAttribute(value: AttributeValues[string]): Attribute {
  if (typeof value === 'number') return { kind: 'int', value };
  if (typeof value === 'string') return { kind: 'string', value };
  return 'kind' in value ? value : { kind: 'ints', value };
}

export class GraphBuilder {
  readonly #prefix: string;
  readonly #nodes: GraphNode[] = [];
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #initializers = new Map<string, Tensor>();
  readonly #constants = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** @param options `prefix` keeps made-up names apart from those of `graph`, whose parts are taken over */
  constructor(options: { readonly prefix?: string; readonly graph?: Graph } = {}) {
    this.#prefix = options.prefix ?? '';
    if (options.graph !== undefined) this.append(options.graph);
  }

  /** Takes over the nodes, inputs and weights of a graph (not its outputs). Names must not clash. */
  append(graph: Graph): void {
    for (const node of graph.nodes) this.#add(node);
    for (const [name, tensor] of graph.initializers) this.initializer(name, tensor);
    for (const input of graph.inputs) if (!this.#taken.has(input.name)) this.input(input.name, input.dims, input.type);
  }

  input(name: string, dims: readonly Dimension[], type: ElementType = 'float'): string {
    this.#inputs.push({ name: this.#claim(name), type, dims });
    return name;
  }

  /** Declares a tensor as an output of the graph, under its own name. */
  output(name: string, dims: readonly Dimension[], type: ElementType = 'float'): string {
    this.#outputs.push({ name, type, dims });
    return name;
  }

  initializer(name: string, tensor: Tensor): string {
    this.#initializers.set(this.#claim(name), tensor);
    return name;
  }

  /** Adds an operator and gives the name of its first output: `as`, or a made-up one. */
  op(opType: string, inputs: readonly string[], attributes: AttributeValues = {}, as?: string): string {
    return this.ops(opType, inputs, { attributes, outputs: [as ?? this.#fresh(opType)] })[0]!;
  }

  /** Adds an operator with several outputs. */
  ops(
    opType: string,
    inputs: readonly string[],
    options: { readonly attributes?: AttributeValues; readonly outputs: readonly string[] | number },
  ): readonly string[] {
    const { attributes = {} } = options;
    const outputs =
      typeof options.outputs === 'number'
        ? Array.from({ length: options.outputs }, () => this.#fresh(opType))
        : options.outputs;
    const entries = Object.entries(attributes).map(([name, value]) => [name, toAttribute(value)] as const);
    this.#add(new GraphNode({ name: outputs[0]!, opType, inputs, outputs, attributes: new Map(entries) }));
    return outputs;
  }

  scalar(value: number): string {
    return this.#constant(`scalar ${value}`, () => ({ type: 'float', dims: [], data: Float32Array.of(value) }));
  }

  /** A one-dimensional int64 constant: axes, shapes, bounds. */
  ints(values: readonly number[]): string {
    return this.#constant(`ints ${values.join(' ')}`, () => intTensor(values));
  }

  floats(data: Float32Array, dims: readonly number[]): string {
    const name = this.#fresh('Constant');
    this.#initializers.set(name, floatTensor(data, dims));
    return name;
  }

  reshape(tensor: string, dims: readonly number[]): string {
    return this.op('Reshape', [tensor, this.ints(dims)]);
  }

  /** Keeps the summed axes with size 1. */
  reduceSum(tensor: string, axes: readonly number[]): string {
    return this.op('ReduceSum', [tensor, this.ints(axes)], { keepdims: 1 });
  }

  slice(tensor: string, { axis, start, end }: { axis: number; start: number; end: number }): string {
    return this.op('Slice', [tensor, this.ints([start]), this.ints([end]), this.ints([axis])]);
  }

  cast(tensor: string, to: ElementType): string {
    return this.op('Cast', [tensor], { to: ELEMENT_TYPES[to] });
  }

  build(name: string): Graph {
    return {
      name,
      nodes: [...this.#nodes],
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
      initializers: new Map(this.#initializers),
    };
  }

  #constant(key: string, make: () => Tensor): string {
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = this.#fresh('Constant');
      this.#constants.set(key, name);
      this.#initializers.set(name, make());
    }
    return name;
  }

  #add(node: GraphNode): void {
    for (const output of node.outputs) if (output !== '' && !this.#taken.has(output)) this.#claim(output);
    this.#nodes.push(node);
  }

  #claim(name: string): string {
    if (this.#taken.has(name)) throw onnxError(`ONNX tensor name '${name}' is taken twice.`);
    this.#taken.add(name);
    return name;
  }

  #fresh(opType: string): string {
    for (let number = this.#taken.size; ; number++) {
      const name = `${this.#prefix}${opType}_${number}`;
      if (!this.#taken.has(name)) return this.#claim(name);
    }
  }
}

/** Wraps a graph as a model of our operator set. */
export function createModel(graph: Graph, metadata: ReadonlyMap<string, string> = new Map()): OnnxModel {
  return { irVersion: IR_VERSION, opset: OPSET, producer: 'netvlad_localizer', metadata, graph };
}

/** Number of trained values in a graph; weights stored as int8 count, their scales do not. */
export function parameterCount(graph: Graph): number {
  const scales = new Set(
    graph.nodes.flatMap((node) => (node.opType === 'DequantizeLinear' ? node.inputs.slice(1) : [])),
  );
  let count = 0;
  for (const [name, { type, dims }] of graph.initializers) {
    if ((type === 'float' || type === 'int8') && !scales.has(name)) count += elementCount(dims);
  }
  return count;
}
