/**
 * @file Bytes to ONNX graphs. Takes what descriptor networks hold; control flow, sparse and external data are refused by
 * name. Nothing in a file is executed.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { GraphNode, elementCount } from './graph.ts';
import type { Attribute, Dimension, ElementType, Graph, OnnxModel, Tensor, ValueInfo } from './graph.ts';
import { onnxError } from './OnnxError.ts';
import {
  ATTRIBUTE,
  ATTRIBUTE_TYPES,
  DIMENSION,
  ELEMENT_TYPES,
  GRAPH,
  MODEL,
  NODE,
  OPERATOR_SET,
  SHAPE,
  STRING_ENTRY,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE_INFO,
} from './protobufFields.ts';

/** One field of a message: its number and a reader that stands at its value. */
interface Field {
  readonly number: number;
  readonly wireType: WireType;
  readonly reader: BinaryReader;
}

function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const before = reader.pos;
    yield { number, wireType, reader };
    if (reader.pos === before) reader.skip(wireType, number); // a field that the caller has no use for
  }
}

/** A repeated number, packed or not. */
function* repeated<T>(field: Field, read: (reader: BinaryReader) => T): Generator<T> {
  if (field.wireType !== WireType.LengthDelimited) {
    yield read(field.reader);
    return;
  }
  const packed = new BinaryReader(field.reader.bytes());
  while (packed.pos < packed.len) yield read(packed);
}

const integer = (reader: BinaryReader): number => Number(reader.int64());

const NAMES_BY_NUMBER = new Map(Object.entries(ELEMENT_TYPES).map(([name, value]) => [value, name as ElementType]));
const KINDS_BY_NUMBER = new Map(
  Object.entries(ATTRIBUTE_TYPES).map(([kind, value]) => [value, kind as Attribute['kind']]),
);

function elementTypeOf(value: number, where: string): ElementType {
  const type = NAMES_BY_NUMBER.get(value);
  if (type === undefined) throw onnxError(`ONNX ${where} has element type ${value}, which is not supported.`);
  return type;
}

const ARRAYS = {
  ...{ float: Float32Array, double: Float64Array, float16: Uint16Array, int64: BigInt64Array },
  ...{ int32: Int32Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array },
} as const;

interface TensorFields {
  name: string;
  dims: number[];
  type: number;
  raw: Uint8Array | null;
  numbers: number[];
  integers: bigint[];
}

function readTensorFields(bytes: Uint8Array): TensorFields {
  const fields: TensorFields = { name: '', dims: [], type: 0, raw: null, numbers: [], integers: [] };
  for (const field of fieldsOf(bytes)) {
    const { number, reader } = field;
    if (number === TENSOR.dims) fields.dims.push(...repeated(field, integer));
    else if (number === TENSOR.dataType) fields.type = reader.int32();
    else if (number === TENSOR.name) fields.name = reader.string();
    else if (number === TENSOR.rawData) fields.raw = reader.bytes();
    else if (number === TENSOR.floatData) fields.numbers.push(...repeated(field, (r) => r.float()));
    else if (number === TENSOR.doubleData) fields.numbers.push(...repeated(field, (r) => r.double()));
    else if (number === TENSOR.int32Data) fields.numbers.push(...repeated(field, (r) => r.int32()));
    else if (number === TENSOR.int64Data) fields.integers.push(...repeated(field, (r) => BigInt(r.int64())));
    else if (number === TENSOR.externalData || (number === TENSOR.dataLocation && reader.int32() === 1)) {
      throw onnxError(
        `ONNX tensor '${fields.name}' keeps its values in another file.`,
        'Save the model with its weights embedded (onnx.save_model(..., save_as_external_data=False)).',
      );
    }
  }
  return fields;
}

function tensorValues(fields: TensorFields, type: ElementType): Tensor['data'] {
  const array = ARRAYS[type];
  if (fields.raw !== null) {
    const copy = new Uint8Array(fields.raw); // protobuf gives no alignment; a Node Buffer's slice() is no copy
    if (copy.byteLength % array.BYTES_PER_ELEMENT !== 0) {
      throw onnxError(`ONNX tensor '${fields.name}' has ${copy.byteLength} bytes, not a multiple of its element size.`);
    }
    return new array(copy.buffer);
  }
  return type === 'int64' ? BigInt64Array.from(fields.integers) : (array as typeof Float32Array).from(fields.numbers);
}

function readTensor(bytes: Uint8Array): { name: string; tensor: Tensor } {
  const fields = readTensorFields(bytes);
  const type = elementTypeOf(fields.type, `tensor '${fields.name}'`);
  const data = tensorValues(fields, type);
  if (data.length !== elementCount(fields.dims)) {
    throw onnxError(
      `ONNX tensor '${fields.name}' holds ${data.length} values, expected ${elementCount(fields.dims)} for [${fields.dims.join(', ')}].`,
    );
  }
  return { name: fields.name, tensor: { type, dims: fields.dims, data } as Tensor };
}

interface AttributeFields {
  name: string;
  type: number;
  numbers: number[];
  texts: string[];
  tensor: Tensor | null;
}

function readAttributeFields(bytes: Uint8Array): AttributeFields {
  const fields: AttributeFields = { name: '', type: 0, numbers: [], texts: [], tensor: null };
  for (const field of fieldsOf(bytes)) {
    const { number, reader } = field;
    if (number === ATTRIBUTE.name) fields.name = reader.string();
    else if (number === ATTRIBUTE.type) fields.type = reader.int32();
    else if (number === ATTRIBUTE.float || number === ATTRIBUTE.floats) {
      fields.numbers.push(...repeated(field, (r) => r.float()));
    } else if (number === ATTRIBUTE.int || number === ATTRIBUTE.ints) fields.numbers.push(...repeated(field, integer));
    else if (number === ATTRIBUTE.string || number === ATTRIBUTE.strings) fields.texts.push(reader.string());
    else if (number === ATTRIBUTE.tensor) fields.tensor = readTensor(reader.bytes()).tensor;
  }
  return fields;
}

function readAttribute(bytes: Uint8Array, node: string): [string, Attribute] {
  const { name, type, numbers, texts, tensor } = readAttributeFields(bytes);
  const kind = KINDS_BY_NUMBER.get(type);
  switch (kind) {
    case 'int':
    case 'float':
      return [name, { kind, value: numbers[0] ?? 0 }];
    case 'ints':
    case 'floats':
      return [name, { kind, value: numbers }];
    case 'string':
      return [name, { kind, value: texts[0] ?? '' }];
    case 'strings':
      return [name, { kind, value: texts }];
    case 'tensor':
      if (tensor !== null) return [name, { kind, value: tensor }];
      break;
    case undefined:
  }
  throw onnxError(`ONNX node '${node}': attribute '${name}' has type ${type}, which is not supported (control flow?).`);
}

function readNode(bytes: Uint8Array): GraphNode {
  const facts = { name: '', opType: '', domain: '', inputs: [] as string[], outputs: [] as string[] };
  const attributes: Uint8Array[] = [];
  for (const { number, reader } of fieldsOf(bytes)) {
    if (number === NODE.input) facts.inputs.push(reader.string());
    else if (number === NODE.output) facts.outputs.push(reader.string());
    else if (number === NODE.name) facts.name = reader.string();
    else if (number === NODE.opType) facts.opType = reader.string();
    else if (number === NODE.domain) facts.domain = reader.string();
    else if (number === NODE.attribute) attributes.push(reader.bytes());
  }
  const name = facts.name === '' ? (facts.outputs[0] ?? facts.opType) : facts.name;
  return new GraphNode({ ...facts, name, attributes: new Map(attributes.map((each) => readAttribute(each, name))) });
}

function readDimension(bytes: Uint8Array): Dimension {
  let dimension: Dimension = null;
  for (const { number, reader } of fieldsOf(bytes)) {
    if (number === DIMENSION.value) dimension = integer(reader);
    else if (number === DIMENSION.parameter) dimension = reader.string();
  }
  return dimension;
}

function readTensorType(bytes: Uint8Array, name: string): { type: ElementType; dims: Dimension[] } {
  let type = 0;
  const dims: Dimension[] = [];
  for (const { number, reader } of fieldsOf(bytes)) {
    if (number === TENSOR_TYPE.elementType) type = reader.int32();
    else if (number === TENSOR_TYPE.shape) {
      for (const inner of fieldsOf(reader.bytes())) {
        if (inner.number === SHAPE.dimension) dims.push(readDimension(inner.reader.bytes()));
      }
    }
  }
  return { type: elementTypeOf(type, `value '${name}'`), dims };
}

function readValueInfo(bytes: Uint8Array): ValueInfo {
  let name = '';
  let typeBytes: Uint8Array | null = null;
  for (const { number, reader } of fieldsOf(bytes)) {
    if (number === VALUE_INFO.name) name = reader.string();
    else if (number === VALUE_INFO.type) {
      for (const inner of fieldsOf(reader.bytes())) if (inner.number === TYPE.tensor) typeBytes = inner.reader.bytes();
    }
  }
  if (typeBytes === null) throw onnxError(`ONNX value '${name}' is not a tensor.`);
  return { name, ...readTensorType(typeBytes, name) };
}

function readGraph(bytes: Uint8Array): Graph {
  const graph = { name: '', nodes: [] as GraphNode[], inputs: [] as ValueInfo[], outputs: [] as ValueInfo[] };
  const initializers = new Map<string, Tensor>();
  for (const { number, reader } of fieldsOf(bytes)) {
    if (number === GRAPH.node) graph.nodes.push(readNode(reader.bytes()));
    else if (number === GRAPH.name) graph.name = reader.string();
    else if (number === GRAPH.input) graph.inputs.push(readValueInfo(reader.bytes()));
    else if (number === GRAPH.output) graph.outputs.push(readValueInfo(reader.bytes()));
    else if (number === GRAPH.initializer) {
      const { name, tensor } = readTensor(reader.bytes());
      initializers.set(name, tensor);
    }
  }
  // Old exporters list weights among the inputs too.
  return { ...graph, inputs: graph.inputs.filter((input) => !initializers.has(input.name)), initializers };
}

function readOpset(bytes: Uint8Array): { domain: string; version: number } {
  const opset = { domain: '', version: 0 };
  for (const { number, reader } of fieldsOf(bytes)) {
    if (number === OPERATOR_SET.domain) opset.domain = reader.string();
    else if (number === OPERATOR_SET.version) opset.version = integer(reader);
  }
  return opset;
}

function readEntry(bytes: Uint8Array): [string, string] {
  const entry: [string, string] = ['', ''];
  for (const { number, reader } of fieldsOf(bytes)) {
    if (number === STRING_ENTRY.key) entry[0] = reader.string();
    else if (number === STRING_ENTRY.value) entry[1] = reader.string();
  }
  return entry;
}

function parseModel(bytes: Uint8Array): OnnxModel {
  let graph: Graph | null = null;
  const model = { irVersion: 0, opset: 0, producer: '', metadata: new Map<string, string>() };
  for (const { number, reader } of fieldsOf(bytes)) {
    if (number === MODEL.irVersion) model.irVersion = integer(reader);
    else if (number === MODEL.producerName) model.producer = reader.string();
    else if (number === MODEL.graph) graph = readGraph(reader.bytes());
    else if (number === MODEL.metadata) model.metadata.set(...readEntry(reader.bytes()));
    else if (number === MODEL.opsetImport) {
      const { domain, version } = readOpset(reader.bytes());
      if (domain === '' || domain === 'ai.onnx') model.opset = version;
    }
  }
  if (graph === null || model.opset === 0) {
    throw onnxError('Not an ONNX model: it has no graph or no operator set.');
  }
  return { ...model, graph };
}

/**
 * Reads a model.
 * @throws NetvladError `model` for bytes that are not a whole ONNX model, and for what is not supported
 */
export function readModel(bytes: Uint8Array): OnnxModel {
  try {
    return parseModel(bytes);
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && error.constructor === Error)) {
      throw onnxError(
        `Not a whole ONNX model (${bytes.byteLength} bytes): ${error.message}.`,
        'Is the file truncated?',
      );
    }
    throw error;
  }
}
