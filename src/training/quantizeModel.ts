/** @file A model with int8 weights, measured against the one it was made of. */
import path from 'node:path';
import { NetvladError } from '../errors.ts';
import { resizeImage } from '../image/resizeImage.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import type { ModelFiles } from '../inference/modelFiles.ts';
import { createModelFiles, readModelFiles, writeModelFiles } from '../inference/modelFiles.ts';
import { OnnxDescriptorModel } from '../inference/OnnxDescriptorModel.ts';
import type { SessionOptions } from '../inference/OnnxSession.ts';
import { createRandom } from '../math/random.ts';
import { dot } from '../math/vectors.ts';
import { quantizeWeights } from '../onnx/quantizeWeights.ts';
import { readModel } from '../onnx/readModel.ts';
import { writeModel } from '../onnx/writeModel.ts';

export interface QuantizeRequest {
  /** The model, by either of its files. */
  readonly file: string;
  /** Path of the model to write, `folder/name.onnx`. */
  readonly out: string;
  /** What both models describe; made-up pictures where empty. */
  readonly images: readonly RgbImage[];
  readonly session?: SessionOptions;
}

/** Of the descriptors of one image by both models. */
export interface CosineToOriginal {
  readonly images: number;
  /** No photographs: made-up pictures tell less than images of the place of use. */
  readonly synthetic: boolean;
  readonly least: number;
  readonly mean: number;
}

export interface QuantizedFiles {
  readonly files: ModelFiles;
  readonly bytes: { readonly before: number; readonly after: number };
  /** Tensors that became int8. */
  readonly tensors: number;
  readonly cosine: CosineToOriginal;
}

const SYNTHETIC_IMAGES = 16;

/** Coarse and fine coloured blotches, as unlike each other as the seeds. */
async function createSyntheticImage(seed: number): Promise<RgbImage> {
  const random = createRandom(seed);
  const size = { width: 640, height: 480, resize: 'stretch', kernel: 'cubic' } as const;
  const [coarse, fine] = await Promise.all(
    [12, 80].map((width) => {
      const height = (width * 3) / 4;
      const data = Uint8Array.from({ length: 3 * width * height }, () => random.int(256));
      return resizeImage({ data, width, height }, size);
    }),
  );
  return { ...coarse!, data: coarse!.data.map((value, i) => (value + fine!.data[i]!) / 2) };
}

async function describeEach(
  files: ModelFiles,
  images: readonly RgbImage[],
  session: SessionOptions | undefined,
): Promise<readonly Float32Array[]> {
  const model = await OnnxDescriptorModel.open(files, session);
  try {
    const descriptors: Float32Array[] = [];
    for (const image of images) descriptors.push((await model.describe([image])).global);
    return descriptors;
  } finally {
    await model.dispose();
  }
}

async function measureCosine(
  original: ModelFiles,
  quantized: ModelFiles,
  { images, session }: QuantizeRequest,
): Promise<CosineToOriginal> {
  const synthetic = images.length === 0;
  const seen = synthetic
    ? await Promise.all(Array.from({ length: SYNTHETIC_IMAGES }, (_unused, seed) => createSyntheticImage(seed)))
    : images;
  const before = await describeEach(original, seen, session);
  const after = await describeEach(quantized, seen, session);
  const cosines = before.map((descriptor, i) => dot(descriptor, after[i]!));
  const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
  return { images: seen.length, synthetic, least: Math.min(...cosines), mean };
}

/** Writes the smaller model. Throws NetvladError('usage' | 'model') naming the file. */
export async function quantizeModel(request: QuantizeRequest): Promise<QuantizedFiles> {
  const { file, out } = request;
  const original = await readModelFiles(file);
  if (original.manifest.quantisation !== undefined) {
    throw new NetvladError('usage', `Model ${file} has int8 weights already.`);
  }
  const folder = path.dirname(out);
  const name = path.basename(out).replace(/\.onnx$/, '');
  const { input, output, local } = original.manifest.onnx;
  const { model, tensors } = quantizeWeights(readModel(original.onnx));
  const onnx = writeModel(model);
  const draft = {
    ...original.manifest,
    ...{ name, onnx: { input, output, ...(local === undefined ? {} : { local }) } },
    quantisation: {
      ...{ weights: 'int8, one scale for each output channel; widened to float32 when the model is opened', tensors },
      from: { name: original.manifest.name, sha256: original.manifest.onnx.sha256 },
    },
  };
  if (path.resolve(original.onnxPath) === path.resolve(folder, `${name}.onnx`)) {
    throw new NetvladError('usage', `--out ${out} is the model itself.`, {
      hint: 'Give the smaller one another name.',
    });
  }
  const cosine = await measureCosine(original, createModelFiles(folder, draft, onnx), request);
  const told = { ...draft, quantisation: { ...draft.quantisation, cosine } };
  const files = await writeModelFiles(folder, told, onnx);
  return { files, bytes: { before: original.onnx.length, after: onnx.length }, tensors, cosine };
}
