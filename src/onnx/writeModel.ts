/** @file ONNX graphs to bytes. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Attribute, Graph, GraphNode, OnnxModel, Tensor, ValueInfo } from './graph.ts';
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

const TEXT = new TextEncoder();

function message(writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function integer(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function single(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Bit32).float(value);
}

function writeTensor(writer: BinaryWriter, tensor: Tensor, name: string): void {
  for (const size of tensor.dims) integer(writer, TENSOR.dims, size);
  integer(writer, TENSOR.dataType, ELEMENT_TYPES[tensor.type]);
  if (name !== '') text(writer, TENSOR.name, name);
  const { buffer, byteOffset, byteLength } = tensor.data;
  writer.tag(TENSOR.rawData, WireType.LengthDelimited).bytes(new Uint8Array(buffer, byteOffset, byteLength));
}

function writeAttribute(writer: BinaryWriter, name: string, attribute: Attribute): void {
  text(writer, ATTRIBUTE.name, name);
  integer(writer, ATTRIBUTE.type, ATTRIBUTE_TYPES[attribute.kind]);
  switch (attribute.kind) {
    case 'int':
      integer(writer, ATTRIBUTE.int, attribute.value);
      break;
    case 'float':
      single(writer, ATTRIBUTE.float, attribute.value);
      break;
    case 'string':
      text(writer, ATTRIBUTE.string, attribute.value);
      break;
    case 'ints':
      for (const value of attribute.value) integer(writer, ATTRIBUTE.ints, value);
      break;
    case 'floats':
      for (const value of attribute.value) single(writer, ATTRIBUTE.floats, value);
      break;
    case 'strings':
      for (const value of attribute.value) {
        writer.tag(ATTRIBUTE.strings, WireType.LengthDelimited).bytes(TEXT.encode(value));
      }
      break;
    case 'tensor':
      message(writer, ATTRIBUTE.tensor, (inner) => {
        writeTensor(inner, attribute.value, '');
      });
  }
}

function writeNode(writer: BinaryWriter, node: GraphNode): void {
  for (const input of node.inputs) text(writer, NODE.input, input);
  for (const output of node.outputs) text(writer, NODE.output, output);
  text(writer, NODE.name, node.name);
  text(writer, NODE.opType, node.opType);
  for (const [name, attribute] of node.attributes) {
    message(writer, NODE.attribute, (inner) => {
      writeAttribute(inner, name, attribute);
    });
  }
  if (node.domain !== '') text(writer, NODE.domain, node.domain);
}

function writeShape(writer: BinaryWriter, dims: ValueInfo['dims']): void {
  for (const dimension of dims) {
    message(writer, SHAPE.dimension, (inner) => {
      if (typeof dimension === 'number') integer(inner, DIMENSION.value, dimension);
      else if (dimension !== null) text(inner, DIMENSION.parameter, dimension);
    });
  }
}

function writeValueInfo(writer: BinaryWriter, info: ValueInfo): void {
  text(writer, VALUE_INFO.name, info.name);
  message(writer, VALUE_INFO.type, (type) => {
    message(type, TYPE.tensor, (tensorType) => {
      integer(tensorType, TENSOR_TYPE.elementType, ELEMENT_TYPES[info.type]);
      message(tensorType, TENSOR_TYPE.shape, (shape) => {
        writeShape(shape, info.dims);
      });
    });
  });
}

function writeGraph(writer: BinaryWriter, graph: Graph): void {
  for (const node of graph.nodes)
    message(writer, GRAPH.node, (inner) => {
      writeNode(inner, node);
    });
  text(writer, GRAPH.name, graph.name);
  for (const [name, tensor] of graph.initializers) {
    message(writer, GRAPH.initializer, (inner) => {
      writeTensor(inner, tensor, name);
    });
  }
  for (const info of graph.inputs)
    message(writer, GRAPH.input, (inner) => {
      writeValueInfo(inner, info);
    });
  for (const info of graph.outputs)
    message(writer, GRAPH.output, (inner) => {
      writeValueInfo(inner, info);
    });
}

/** Serialises a model; weights are embedded, so that the file stands alone. */
export function writeModel(model: OnnxModel): Uint8Array {
  const writer = new BinaryWriter();
  integer(writer, MODEL.irVersion, model.irVersion);
  text(writer, MODEL.producerName, model.producer);
  message(writer, MODEL.graph, (inner) => {
    writeGraph(inner, model.graph);
  });
  message(writer, MODEL.opsetImport, (inner) => {
    text(inner, OPERATOR_SET.domain, '');
    integer(inner, OPERATOR_SET.version, model.opset);
  });
  for (const [key, value] of model.metadata) {
    message(writer, MODEL.metadata, (inner) => {
      text(inner, STRING_ENTRY.key, key);
      text(inner, STRING_ENTRY.value, value);
    });
  }
  return writer.finish();
}
