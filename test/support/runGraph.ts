/** @file Runs a graph on ONNX Runtime, for tests that need the truth about it. */
import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { createModel } from '../../src/onnx/GraphBuilder.ts';
import type { Graph } from '../../src/onnx/graph.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';

export interface FloatArray {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** Feeds float tensors, gives every output as float values. */
export async function runGraph(
  graph: Graph,
  feeds: Readonly<Record<string, FloatArray>>,
): Promise<Map<string, FloatArray>> {
  const session = await InferenceSession.create(writeModel(createModel(graph)), { logSeverityLevel: 3 });
  const tensors = Object.entries(feeds).map(([name, { data, dims }]) => [
    name,
    new RuntimeTensor('float32', data, dims),
  ]);
  const results = await session.run(Object.fromEntries(tensors) as Record<string, RuntimeTensor>);
  await session.release();
  return new Map(
    Object.entries(results).map(([name, tensor]) => [name, { data: tensor.data as Float32Array, dims: tensor.dims }]),
  );
}
