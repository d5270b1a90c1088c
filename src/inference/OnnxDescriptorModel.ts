/** @file The DescriptorModel that runs on ONNX Runtime: resize and normalise as the manifest says, batch, infer, check. */
import { NetvladError } from '../errors.ts';
import { computeResizedSize, resizeImage, type ImageSize } from '../image/resizeImage.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import { toTensorNearest } from '../image/toTensor.ts';
import type { DescriptorModel, Descriptors, LocalFeatures } from './DescriptorModel.ts';
import { checkSignature } from './checkSignature.ts';
import type { ModelManifest } from './ModelManifest.ts';
import type { ModelFiles } from './modelFiles.ts';
import type { RuntimeTensor, SessionOptions } from './OnnxSession.ts';
import { OnnxSession, floatFeed } from './OnnxSession.ts';

/** Larger batches gain nothing and cost memory: a call with more images is cut into runs of this many. */
const MAX_BATCH = 32;

/** Images of one size that go through the network together. */
interface Batch {
  readonly indices: readonly number[];
  readonly width: number;
  readonly height: number;
}

export class OnnxDescriptorModel implements DescriptorModel {
  readonly manifest: ModelManifest;
  /** The provider that really runs. */
  readonly provider: string;
  /** Why the provider is not the first of the wish list; null when it is. */
  readonly providerFallbackReason: string | null;
  readonly #session: OnnxSession;
  readonly #source: string;
  /** Input buffers that wait for their next use. */
  readonly #idle: Float32Array[] = [];
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(files: ModelFiles, session: OnnxSession) {
    this.manifest = files.manifest;
    this.provider = session.provider;
    this.providerFallbackReason = session.fallbackReason;
    this.#session = session;
    this.#source = files.onnxPath;
  }

  /** Opens a checked pair of files. Throws NetvladError('model') when network and manifest disagree. */
  static async open(files: ModelFiles, options: SessionOptions = {}): Promise<OnnxDescriptorModel> {
    const widensWeights = files.manifest.quantisation !== undefined;
    const session = await OnnxSession.open(files.onnx, files.onnxPath, { ...options, widensWeights });
    const problems = checkSignature(files.manifest, session);
    if (problems.length > 0) {
      await session.dispose();
      throw new NetvladError(
        'model',
        `Model file ${files.onnxPath} is not what its manifest says: ${problems.join('; ')}.`,
        {
          hint: `Correct ${files.manifestPath}, or import the network again with \`netvlad model import\`.`,
        },
      );
    }
    return new OnnxDescriptorModel(files, session);
  }

  async describe(images: readonly RgbImage[], options: { readonly local?: boolean } = {}): Promise<Descriptors> {
    const { dimension } = this.manifest.descriptor;
    const wantsLocal = options.local === true && this.manifest.onnx.local !== undefined;
    const resized = await this.#resize(images);
    const global = new Float32Array(images.length * dimension);
    let local: LocalFeatures | null = null;
    for (const batch of toBatches(resized.map((image) => computeResizedSize(image, this.manifest.input)))) {
      const results = await this.#infer(resized, batch, wantsLocal);
      scatterRows(results.global, dimension, batch.indices, global);
      if (results.local === null) continue;
      local ??= createLocal(results.local, images.length);
      if (local.rows !== results.local.rows || local.columns !== results.local.columns) {
        throw new NetvladError('usage', `Local features of images of several sizes do not fit one array.`, {
          hint: "Describe the images one by one, or use a model whose manifest says resize 'stretch'.",
        });
      }
      scatterRows(results.local.data, local.rows * local.columns * local.channels, batch.indices, local.data);
    }
    return { count: images.length, dimension, global, local };
  }

  async dispose(): Promise<void> {
    await this.#tail;
    await this.#session.dispose();
  }

  /** Nearest resampling happens on the way into the tensor; every other kernel needs the image in between. */
  async #resize(images: readonly RgbImage[]): Promise<readonly RgbImage[]> {
    const { input } = this.manifest;
    return input.kernel === 'nearest' ? images : Promise.all(images.map((image) => resizeImage(image, input)));
  }

  async #infer(
    images: readonly RgbImage[],
    batch: Batch,
    wantsLocal: boolean,
  ): Promise<{ readonly global: Float32Array; readonly local: LocalFeatures | null }> {
    const { onnx, descriptor } = this.manifest;
    const { width, height, indices } = batch;
    const itemLength = 3 * width * height;
    const input = this.#takeBuffer(indices.length * itemLength);
    indices.forEach((index, i) => {
      const target = { width, height, out: input, offset: i * itemLength };
      toTensorNearest(images[index]!, this.manifest.input, target);
    });
    const fetches = wantsLocal ? [onnx.output, onnx.local!] : [onnx.output];
    const feeds = { [onnx.input]: floatFeed([indices.length, 3, height, width], input) };
    const results = await this.#enqueue(() => this.#session.run(feeds, fetches));
    this.#idle.push(input);
    const global = this.#checkGlobal(results[onnx.output]!, [indices.length, descriptor.dimension]);
    return { global, local: wantsLocal ? this.#toLocal(results[onnx.local!]!, batch) : null };
  }

  /** One run at a time: ONNX Runtime already uses all its threads for one. */
  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #takeBuffer(length: number): Float32Array {
    const found = this.#idle.findIndex((buffer) => buffer.length === length);
    if (found !== -1) return this.#idle.splice(found, 1)[0]!;
    this.#idle.length = 0; // sizes changed: do not hoard the old ones
    return new Float32Array(length);
  }

  #checkGlobal(output: RuntimeTensor, expected: readonly number[]): Float32Array {
    const { dims, data } = output;
    if (dims.length !== 2 || dims[0] !== expected[0] || dims[1] !== expected[1] || !(data instanceof Float32Array)) {
      const found = `${output.type} [${dims.join(', ')}]`;
      throw new NetvladError(
        'model',
        `Model file ${this.#source}: expected descriptors [${expected.join(', ')}], got ${found}.`,
      );
    }
    let sum = 0;
    for (const value of data) sum += value * value;
    if (Number.isFinite(sum)) return data;
    throw new NetvladError('model', `Model file ${this.#source}: the network gives NaN or infinite descriptors.`, {
      hint: 'Its weights are damaged or its training diverged; use another checkpoint.',
    });
  }

  #toLocal(output: RuntimeTensor, { width, height }: Batch): LocalFeatures {
    const { local, input } = this.manifest;
    const [, locations = 0, channels = 0] = output.dims;
    // The grid at the manifest's size gives the stride; "same" padding rounds up.
    const rows = local === undefined ? 1 : Math.ceil((height * local.rows) / input.height);
    const columns = local === undefined ? locations : Math.ceil((width * local.columns) / input.width);
    if (output.dims.length !== 3 || rows * columns !== locations || !(output.data instanceof Float32Array)) {
      const found = `${output.type} [${output.dims.join(', ')}]`;
      throw new NetvladError(
        'model',
        `Model file ${this.#source}: expected local features [n, ${rows} * ${columns}, channels], got ${found}.`,
        { hint: "Correct 'local' in the manifest: the grid of the dense map at the manifest's input size." },
      );
    }
    return { rows, columns, channels, data: output.data };
  }
}

/** Equal sizes side by side, at most MAX_BATCH together, in the given order. */
function toBatches(images: readonly ImageSize[]): readonly Batch[] {
  const bySize = new Map<string, number[]>();
  images.forEach(({ width, height }, index) => {
    const key = `${width}x${height}`;
    const group = bySize.get(key);
    if (group === undefined) bySize.set(key, [index]);
    else group.push(index);
  });
  return [...bySize.values()].flatMap((indices) => {
    const { width, height } = images[indices[0]!]!;
    const parts = Math.ceil(indices.length / MAX_BATCH);
    return Array.from({ length: parts }, (_unused, part) => ({
      width,
      height,
      indices: indices.slice(part * MAX_BATCH, (part + 1) * MAX_BATCH),
    }));
  });
}

function createLocal(part: LocalFeatures, count: number): LocalFeatures {
  return { ...part, data: new Float32Array(count * part.rows * part.columns * part.channels) };
}

/** Row i of `from` becomes row indices[i] of `into`. */
function scatterRows(from: Float32Array, length: number, indices: readonly number[], into: Float32Array): void {
  indices.forEach((index, i) => {
    into.set(from.subarray(i * length, (i + 1) * length), index * length);
  });
}
