/**
 * @file How much of the bare ONNX Runtime rate does `describe` keep, with resizing, normalisation, checks and queue? Both run the same
 * network on the same images in the same process, turn by turn, so that a busy machine slows both.
 */
import { createRandom } from '../src/math/random.ts';
import type { RgbImage } from '../src/image/RgbImage.ts';
import { resizeImage } from '../src/image/resizeImage.ts';
import { toTensor } from '../src/image/toTensor.ts';
import { findDefaultModel } from '../src/inference/loadModel.ts';
import { readModelFiles } from '../src/inference/modelFiles.ts';
import { OnnxDescriptorModel } from '../src/inference/OnnxDescriptorModel.ts';
import { floatFeed, OnnxSession } from '../src/inference/OnnxSession.ts';
import { median } from '../src/math/statistics.ts';
import { endWithUsage } from './support/usage.ts';

const [modelPath = findDefaultModel(), roundsText = '15'] = process.argv.slice(2);
const rounds = Number(roundsText);
if (!Number.isInteger(rounds) || rounds < 3) endWithUsage('descriptor.js [model] [rounds, 3 or more]');

/** Images of one round; small enough that both halves of a round meet the same load of the machine. */
const IMAGES = 16;

function createNoise(width: number, height: number, seed: number): RgbImage {
  const random = createRandom(seed);
  return { data: Uint8Array.from({ length: 3 * width * height }, () => random.int(256)), width, height };
}

async function rateOf(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (1000 * IMAGES) / (performance.now() - started);
}

const files = await readModelFiles(modelPath);
const { manifest } = files;
const model = await OnnxDescriptorModel.open(files);
const session = await OnnxSession.open(files.onnx, files.onnxPath);

/** Runs of the network alone over tensors that were made beforehand. */
async function createBare(images: readonly RgbImage[], batch: number): Promise<() => Promise<void>> {
  const resized = await Promise.all(images.map((image) => resizeImage(image, manifest.input)));
  const { width, height } = resized[0]!;
  const inputs: Float32Array[] = [];
  for (let start = 0; start < images.length; start += batch) {
    const input = new Float32Array(batch * 3 * width * height);
    for (let i = 0; i < batch; i++) toTensor(resized[start + i]!, manifest.input, input, i * 3 * width * height);
    inputs.push(input);
  }
  return async () => {
    for (const input of inputs) {
      await session.run({ [manifest.onnx.input]: floatFeed([batch, 3, height, width], input) }, [manifest.onnx.output]);
    }
  };
}

/** `ahead` calls of describe are under way at once, as the map builder and the trainer do it. */
function createDescribing(images: readonly RgbImage[], batch: number, ahead: number): () => Promise<void> {
  return async () => {
    const underWay: Promise<unknown>[] = [];
    for (let start = 0; start < images.length; start += batch) {
      if (underWay.length === ahead) await underWay.shift();
      underWay.push(model.describe(images.slice(start, start + batch)));
    }
    await Promise.all(underWay);
  };
}

console.log(
  `${manifest.name}, ${manifest.input.width} x ${manifest.input.height}, kernel ${manifest.input.kernel}, ${model.provider}`,
);
console.log('images     batch ahead   describe/s   bare/s   ratio (medians of rounds)');
for (const [width, height] of [
  [manifest.input.width, manifest.input.height],
  [640, 480],
] as const) {
  const images = Array.from({ length: IMAGES }, (_unused, i) => createNoise(width, height, i));
  for (const [batch, ahead] of [
    [1, 1],
    [1, 2],
    [8, 2],
  ] as const) {
    const bare = await createBare(images, batch);
    const describing = createDescribing(images, batch, ahead);
    const rates: { readonly describe: number; readonly bare: number }[] = [];
    await bare();
    await describing();
    for (let round = 0; round < rounds; round++)
      rates.push({ describe: await rateOf(describing), bare: await rateOf(bare) });
    const ratio = median(rates.map((rate) => rate.describe / rate.bare));
    const cells = [
      `${width} x ${height}`.padEnd(11),
      String(batch).padStart(5),
      String(ahead).padStart(6),
      median(rates.map((rate) => rate.describe))
        .toFixed(1)
        .padStart(12),
      median(rates.map((rate) => rate.bare))
        .toFixed(1)
        .padStart(9),
      ratio.toFixed(3).padStart(8),
    ];
    console.log(cells.join(''));
  }
}
await model.dispose();
await session.dispose();
