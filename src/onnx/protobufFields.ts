/** @file Numbers of the ONNX protobuf schema (onnx.proto3, ONNX 1.12 = IR 8): message fields, element and attribute types. */
import type { Attribute, ElementType } from './graph.ts';

export const MODEL = {
  irVersion: 1,
  producerName: 2,
  producerVersion: 3,
  graph: 7,
  opsetImport: 8,
  metadata: 14,
} as const;
export const OPERATOR_SET = { domain: 1, version: 2 } as const;
export const STRING_ENTRY = { key: 1, value: 2 } as const;
export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
export const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
export const ATTRIBUTE = {
  ...{ name: 1, float: 2, int: 3, string: 4, tensor: 5, graph: 6 },
  ...{ floats: 7, ints: 8, strings: 9, type: 20 },
} as const;
export const TENSOR = {
  ...{ dims: 1, dataType: 2, floatData: 4, int32Data: 5, int64Data: 7, name: 8 },
  ...{ rawData: 9, doubleData: 10, externalData: 13, dataLocation: 14 },
} as const;
export const VALUE_INFO = { name: 1, type: 2 } as const;
export const TYPE = { tensor: 1 } as const;
export const TENSOR_TYPE = { elementType: 1, shape: 2 } as const;
export const SHAPE = { dimension: 1 } as const;
export const DIMENSION = { value: 1, parameter: 2 } as const;

export const ELEMENT_TYPES: Readonly<Record<ElementType, number>> = {
  ...{ float: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, double: 11 },
};

export const ATTRIBUTE_TYPES: Readonly<Record<Attribute['kind'], number>> = {
  ...{ float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 },
};
