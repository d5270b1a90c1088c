/** @file ONNX graphs as plain data: what the reader gives, the builder makes and the writer takes. */

/** Values of a tensor by element type. float16 is kept as its bits. */
export interface TensorData {
  float: Float32Array;
  double: Float64Array;
  float16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

export type ElementType = keyof TensorData;

export type Tensor = {
  [Type in ElementType]: {
    readonly type: Type;
    readonly dims: readonly number[];
    /** Row-major. */
    readonly data: TensorData[Type];
  };
}[ElementType];

export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: Tensor };

/** A fixed size, a named dynamic one (`n`), or null for unknown. */
export type Dimension = number | string | null;

/** A graph's input or output. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly Dimension[];
}

interface NodeFacts {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: string;
  readonly attributes?: ReadonlyMap<string, Attribute>;
}

/** One operator. An empty input name is an optional input left out. */
export class GraphNode {
  readonly name: string;
  readonly opType: string;
  /** Empty for the standard operators. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;

  constructor(facts: NodeFacts) {
    this.name = facts.name;
    this.opType = facts.opType;
    this.domain = facts.domain ?? '';
    this.inputs = facts.inputs;
    this.outputs = facts.outputs;
    this.attributes = facts.attributes ?? new Map();
  }

  /** The same node with other names or attributes. */
  with(changes: Partial<NodeFacts>): GraphNode {
    const { name, opType, domain, inputs, outputs, attributes } = this;
    return new GraphNode({ name, opType, domain, inputs, outputs, attributes, ...changes });
  }

  int(name: string, otherwise: number): number {
    const attribute = this.attributes.get(name);
    return attribute?.kind === 'int' ? attribute.value : otherwise;
  }

  float(name: string, otherwise: number): number {
    const attribute = this.attributes.get(name);
    return attribute?.kind === 'float' ? attribute.value : otherwise;
  }

  text(name: string, otherwise: string): string {
    const attribute = this.attributes.get(name);
    return attribute?.kind === 'string' ? attribute.value : otherwise;
  }

  /** Empty where the attribute is absent. */
  ints(name: string): readonly number[] {
    const attribute = this.attributes.get(name);
    return attribute?.kind === 'ints' ? attribute.value : [];
  }
}

export interface Graph {
  readonly name: string;
  /** In topological order. */
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, Tensor>;
}

export interface OnnxModel {
  readonly irVersion: number;
  /** Version of the standard operator set. */
  readonly opset: number;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: Graph;
}

/** IR 8 and operator set 17 reach the widest range of runtimes that know LayerNormalization-era operators. */
export const IR_VERSION = 8;
export const OPSET = 17;

export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** A float tensor; throws when data and dims disagree. */
export function floatTensor(data: Float32Array, dims: readonly number[]): Tensor {
  if (data.length !== elementCount(dims)) {
    throw new RangeError(`floatTensor: ${data.length} values do not fill [${dims.join(', ')}]`);
  }
  return { type: 'float', dims, data };
}

/** A one-dimensional int64 tensor, the form that axes and shapes take. */
export function intTensor(values: readonly number[]): Tensor {
  return { type: 'int64', dims: [values.length], data: BigInt64Array.from(values.map((value) => BigInt(value))) };
}
