/** @file One ONNX Runtime session: any feeds, any fetches, on the first execution provider that works. */
import type { InferenceSession as OrtSession } from 'onnxruntime-node';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { NetvladError } from '../errors.ts';
import type { Logger } from '../Logger.ts';
import { silentLogger } from '../Logger.ts';
import { createProviderProbe, explainProviderFailure, findMissingProviderPart } from './providerFailure.ts';

/** Execution providers by ONNX Runtime's names. */
export type Provider = 'cpu' | 'cuda';

export interface SessionOptions {
  /** In order of preference. Default: cpu. */
  readonly providers?: readonly Provider[];
  /** Threads inside one operator. Default: ONNX Runtime's choice, the physical cores. */
  readonly threads?: number;
  /**
   * Whether idle threads wait for the next operator at full load: a little faster where nothing else has work, and half the
   * speed of all that shares the cores, such as decoding the next image. Default true, as ONNX Runtime's.
   */
  readonly spinning?: boolean;
  /** Whether a later provider of the list may step in for one that does not work. Default true. */
  readonly allowFallback?: boolean;
  /**
   * Compute DequantizeLinear of constant weights once, at opening: int8 is how they are stored, not how they are multiplied. ONNX
   * Runtime otherwise keeps these nodes, repeats them in every run and multiplies some matrices in integers.
   */
  readonly widensWeights?: boolean;
  readonly logger?: Logger;
}

/** Dense tensors as they go in and come out. bool is Uint8Array of 0 and 1. */
export interface RuntimeTensor {
  readonly type: 'float32' | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool';
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array | Int32Array | Uint8Array | Int8Array;
}

export interface SessionValue {
  readonly name: string;
  readonly type: string;
  /** Strings are dynamic dimensions. */
  readonly dims: readonly (number | string)[];
}

export type Feeds = Readonly<Record<string, RuntimeTensor>>;

export function floatFeed(dims: readonly number[], data: Float32Array): RuntimeTensor {
  return { type: 'float32', dims, data };
}

export class OnnxSession {
  /** The provider that really runs. */
  readonly provider: Provider;
  /** Why the first choice is not it; null when it is. */
  readonly fallbackReason: string | null;
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
  readonly #session: OrtSession;

  private constructor(session: OrtSession, provider: Provider, fallbackReason: string | null) {
    this.#session = session;
    this.provider = provider;
    this.fallbackReason = fallbackReason;
    this.inputs = session.inputMetadata.map(toSessionValue);
    this.outputs = session.outputMetadata.map(toSessionValue);
  }

  /**
   * Opens the bytes of a `.onnx` file; `source` names them in messages. Throws NetvladError('environment') when no provider
   * works and NetvladError('model') when ONNX Runtime does not accept the graph.
   */
  static async open(model: Uint8Array, source: string, options: SessionOptions = {}): Promise<OnnxSession> {
    const { providers = ['cpu'], allowFallback = true, logger = silentLogger } = options;
    const failures: string[] = [];
    const probe = createProviderProbe();
    for (const provider of providers) {
      try {
        // Looked at first, since ONNX Runtime writes a failed attempt to stderr in its own words.
        const missing = findMissingProviderPart(provider, probe);
        if (missing !== null) throw new Error(missing);
        const session = await createSession(model, provider, options);
        return new OnnxSession(session, provider, failures.length === 0 ? null : failures.join(' '));
      } catch (cause) {
        if (provider === 'cpu') throw refusedModel(source, cause);
        const reason = explainProviderFailure(provider, cause, probe);
        failures.push(reason);
        logger.warn(reason);
        if (!allowFallback) break;
      }
    }
    throw new NetvladError('environment', `${source}: no execution provider works. ${failures.join(' ')}`, {
      hint: allowFallback
        ? "Add 'cpu' to the end of the provider list, or repair the provider."
        : 'Falling back is switched off; allow it, or repair the provider.',
    });
  }

  /** Runs the graph; only what `fetches` needs is computed. Throws NetvladError('model') naming expected and received feeds. */
  async run(feeds: Feeds, fetches: readonly string[]): Promise<Record<string, RuntimeTensor>> {
    const tensors: Record<string, Tensor> = {};
    for (const [name, { type, data, dims }] of Object.entries(feeds)) tensors[name] = new Tensor(type, data, dims);
    try {
      const results = await this.#session.run(tensors, fetches);
      return Object.fromEntries(fetches.map((name) => [name, results[name] as unknown as RuntimeTensor]));
    } catch (cause) {
      const given = Object.entries(feeds).map(([name, { type, dims }]) => `${name} ${type}[${dims.join(', ')}]`);
      const wanted = this.inputs.map(({ name, type, dims }) => `${name} ${type}[${dims.join(', ')}]`);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new NetvladError(
        'model',
        `The model cannot run on ${given.join(', ')} (it declares ${wanted.join(', ')}): ${reason}`,
        { cause },
      );
    }
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}

function createSession(
  model: Uint8Array,
  provider: Provider,
  { threads, spinning = true, widensWeights = false }: SessionOptions,
): Promise<OrtSession> {
  const session = {
    ...(spinning ? {} : { intra_op: { allow_spinning: '0' } }),
    ...(widensWeights ? { disable_quant_qdq: '1' } : {}),
  };
  return InferenceSession.create(model, {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    extra: { session },
  });
}

function toSessionValue(metadata: OrtSession.ValueMetadata): SessionValue {
  return metadata.isTensor
    ? { name: metadata.name, type: metadata.type, dims: metadata.shape }
    : { name: metadata.name, type: 'not a tensor', dims: [] };
}

function refusedModel(source: string, cause: unknown): NetvladError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new NetvladError('model', `${source}: ONNX Runtime does not accept the model: ${reason}`, {
    hint: 'The file may be damaged, or use operators that this ONNX Runtime does not know.',
    cause,
  });
}
