/** @file Matching of local features as one matrix product in ONNX Runtime: a hundred times the speed of loops (bench/verification.ts). */
import { createModel, GraphBuilder } from '../onnx/GraphBuilder.ts';
import { writeModel } from '../onnx/writeModel.ts';
import { GRID_SCALE, type LocalGrid } from '../verification/LocalGrid.ts';
import type { GridMatcher, NearestLocations } from '../verification/matchGrids.ts';
import { OnnxSession } from './OnnxSession.ts';

const OUTPUTS = ['forward', 'backward', 'similarity'] as const;

/**
 * products [n, Lc, Lq] = candidates [n, Lc, C] x query [Lq, C]^T, of which only the arg-maxima along both axes leave the
 * graph. int8 goes in and is widened inside: exact, since |product| < 2^24, and faster than integer products on CPUs.
 */
function createMatchGraph(): Uint8Array {
  const builder = new GraphBuilder();
  const query = builder.cast(builder.input('query', ['lq', 'c'], 'int8'), 'float');
  const candidates = builder.cast(builder.input('candidates', ['n', 'lc', 'c'], 'int8'), 'float');
  const products = builder.op('MatMul', [candidates, builder.op('Transpose', [query], { perm: [1, 0] })]);
  for (const [name, axis] of [
    ['forward', 1],
    ['backward', 2],
  ] as const) {
    const nearest = builder.cast(builder.op('ArgMax', [products], { axis, keepdims: 0 }), 'int32');
    builder.output(builder.op('Identity', [nearest], {}, name), ['n', axis === 1 ? 'lq' : 'lc'], 'int32');
  }
  builder.output(builder.op('ReduceMax', [products], { axes: [1], keepdims: 0 }, 'similarity'), ['n', 'lq']);
  return writeModel(createModel(builder.build('match_grids')));
}

export class OnnxGridMatcher implements GridMatcher {
  readonly #session: OnnxSession;

  private constructor(session: OnnxSession) {
    this.#session = session;
  }

  /** One thread is enough and leaves the other cores to the descriptor. */
  static async create(threads = 1): Promise<OnnxGridMatcher> {
    return new OnnxGridMatcher(
      await OnnxSession.open(createMatchGraph(), 'the matcher of local features', { threads }),
    );
  }

  async match(query: LocalGrid, candidates: readonly LocalGrid[]): Promise<readonly NearestLocations[]> {
    const first = candidates[0];
    if (first === undefined) return [];
    const { channels } = query;
    const queryCount = query.rows * query.columns;
    const candidateCount = first.rows * first.columns;
    const joined = new Int8Array(candidates.length * candidateCount * channels);
    for (const [at, { vectors }] of candidates.entries()) joined.set(vectors, at * candidateCount * channels);
    const results = await this.#session.run(
      {
        query: { type: 'int8', dims: [queryCount, channels], data: query.vectors },
        candidates: { type: 'int8', dims: [candidates.length, candidateCount, channels], data: joined },
      },
      OUTPUTS,
    );
    const forward = results.forward!.data as Int32Array;
    const backward = results.backward!.data as Int32Array;
    const products = results.similarity!.data as Float32Array;
    return candidates.map((_, at) => ({
      forward: forward.subarray(at * queryCount, (at + 1) * queryCount),
      backward: backward.subarray(at * candidateCount, (at + 1) * candidateCount),
      similarity: products
        .subarray(at * queryCount, (at + 1) * queryCount)
        .map((product) => product / (GRID_SCALE * GRID_SCALE)),
    }));
  }

  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}
