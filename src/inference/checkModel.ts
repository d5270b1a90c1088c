/** @file Whether a model does what its manifest and the DescriptorModel port promise, tried out on made-up images. */
import { describeError } from '../errors.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import { createRandom } from '../math/random.ts';
import { dot, squaredDistance } from '../math/vectors.ts';
import type { Descriptors } from './DescriptorModel.ts';
import { loadModel } from './loadModel.ts';
import type { OnnxDescriptorModel } from './OnnxDescriptorModel.ts';
import type { SessionOptions } from './OnnxSession.ts';

export interface ModelCheck {
  readonly name: string;
  readonly ok: boolean;
  /** What was found: a number with its limit, or why not. */
  readonly detail: string;
}

const UNIT_TOLERANCE = 1e-4;
const BATCH_TOLERANCE = 1e-5;
const BATCH = 3;

/** Noise of the given size; different seeds are different images. */
function createNoise(seed: number, width: number, height: number): RgbImage {
  const random = createRandom(seed);
  return { data: Uint8Array.from({ length: 3 * width * height }, () => random.int(256)), width, height };
}

function row(values: Float32Array, index: number, length: number): Float32Array {
  return values.subarray(index * length, (index + 1) * length);
}

/** Largest deviation of a row's length from one. */
function worstNorm(values: Float32Array, length: number): number {
  let worst = 0;
  for (let start = 0; start < values.length; start += length) {
    const vector = values.subarray(start, start + length);
    worst = Math.max(worst, Math.abs(Math.sqrt(dot(vector, vector)) - 1));
  }
  return worst;
}

const within = (name: string, value: number, limit: number): ModelCheck => ({
  ...{ name, ok: value <= limit },
  detail: `${value.toExponential(1)} (at most ${limit.toExponential(0)})`,
});

function checkLocal({ local }: Descriptors, declared: boolean): ModelCheck {
  const name = 'local features have unit length';
  if (local === null) return { name, ok: !declared, detail: declared ? 'none came' : 'the model has none' };
  return within(
    `${name} (${local.rows} x ${local.columns} x ${local.channels})`,
    worstNorm(local.data, local.channels),
    UNIT_TOLERANCE,
  );
}

/** Descriptors of one batch against those of its images one by one. */
async function checkBatch(
  model: OnnxDescriptorModel,
  images: readonly RgbImage[],
  batch: Descriptors,
): Promise<ModelCheck> {
  let worst = 0;
  for (const [i, image] of images.entries()) {
    const { global } = await model.describe([image]);
    const expected = row(batch.global, i, batch.dimension);
    worst = global.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at]!)), worst);
  }
  return within('a batch of one is a row of a batch', worst, BATCH_TOLERANCE);
}

async function checkDescribing(model: OnnxDescriptorModel): Promise<readonly ModelCheck[]> {
  const { input, onnx } = model.manifest;
  const images = Array.from({ length: BATCH }, (_unused, i) => createNoise(i, input.width, input.height));
  const batch = await model.describe(images, { local: true });
  const { global, dimension } = batch;
  const black = { data: new Uint8Array(3 * input.width * input.height), width: input.width, height: input.height };
  const ofBlack = (await model.describe([black])).global;
  const first = row(global, 0, dimension);
  const farthest = Math.max(squaredDistance(first, row(global, 1, dimension)), squaredDistance(first, ofBlack));
  return [
    within('descriptors have unit length', worstNorm(global, dimension), UNIT_TOLERANCE),
    await checkBatch(model, images, batch),
    {
      name: 'different images have different descriptors',
      ok: farthest > 1e-6,
      detail: `noise, other noise and black are ${Math.sqrt(farthest).toFixed(3)} apart`,
    },
    {
      name: 'a black image gives a finite descriptor',
      ok: ofBlack.every(Number.isFinite),
      detail: `${ofBlack.length} numbers`,
    },
    checkLocal(batch, onnx.local !== undefined),
  ];
}

/** Tries a model out. Never throws for a bad model: what fails is a check that is not ok, and the last one. */
export async function checkModel(modelPath: string, options: SessionOptions = {}): Promise<readonly ModelCheck[]> {
  const opens = 'manifest, checksum, inputs and outputs fit';
  let model: OnnxDescriptorModel;
  try {
    model = await loadModel(modelPath, options);
  } catch (error) {
    return [{ name: opens, ok: false, detail: describeError(error) }];
  }
  const opened = { name: opens, ok: true, detail: `runs on ${model.provider}` };
  try {
    return [opened, ...(await checkDescribing(model))];
  } catch (error) {
    return [opened, { name: 'describes images', ok: false, detail: describeError(error) }];
  } finally {
    await model.dispose();
  }
}
