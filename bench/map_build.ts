/** @file How much of the bare descriptor rate does `map build` keep, with decoding, thumbnails, storage and calibration? */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openImageSource } from '../src/datasets/openImageSource.ts';
import { isDatasetProblem } from '../src/datasets/GeotaggedImage.ts';
import { loadImage } from '../src/image/decodeFrame.ts';
import { isFrameProblem } from '../src/image/FrameLimits.ts';
import type { RgbImage } from '../src/image/RgbImage.ts';
import { findDefaultModel, loadModel } from '../src/inference/loadModel.ts';
import type { OnnxDescriptorModel } from '../src/inference/OnnxDescriptorModel.ts';
import { buildMap } from '../src/map/buildMap.ts';
import { DEFAULT_BATCH } from '../src/map/describeImages.ts';
import { median } from '../src/math/statistics.ts';
import { endWithUsage } from './support/usage.ts';

const [sourcePath, runs = '5'] = process.argv.slice(2);
if (sourcePath === undefined) endWithUsage('map_build.js SOURCE [runs] (SOURCE: a folder of images or a CSV)');

async function decodeAll(path: string): Promise<readonly RgbImage[]> {
  const images: RgbImage[] = [];
  for await (const item of await openImageSource(path)) {
    if (isDatasetProblem(item) || item.content.kind !== 'file') continue;
    const image = await loadImage(item.content.path);
    if (!isFrameProblem(image)) images.push(image);
  }
  return images;
}

/** Images a second of the model alone: decoded images in, descriptors out, in the batches of the map builder. */
async function measureDescriptors(model: OnnxDescriptorModel, images: readonly RgbImage[]): Promise<number> {
  const started = performance.now();
  for (let start = 0; start < images.length; start += DEFAULT_BATCH) {
    await model.describe(images.slice(start, start + DEFAULT_BATCH), { local: true });
  }
  return (1000 * images.length) / (performance.now() - started);
}

/** Images a second of decoding alone, one after the other as a lower bound of what it costs. */
async function measureDecoding(path: string): Promise<number> {
  const started = performance.now();
  const { length } = await decodeAll(path);
  return (1000 * length) / (performance.now() - started);
}

async function measureBuild(model: OnnxDescriptorModel, path: string, folder: string): Promise<number> {
  const started = performance.now();
  const source = await openImageSource(path);
  const { places } = await buildMap(source, model, { out: join(folder, 'bench.vprmap'), local: true });
  return (1000 * places) / (performance.now() - started);
}

const folder = await mkdtemp(join(tmpdir(), 'netvlad-bench-'));
const model = await loadModel(findDefaultModel());
try {
  const images = await decodeAll(sourcePath);
  await measureDescriptors(model, images.slice(0, DEFAULT_BATCH)); // first runs allocate
  const rates = { decoding: [] as number[], descriptors: [] as number[], build: [] as number[] };
  for (let run = 0; run < Number(runs); run++) {
    rates.decoding.push(await measureDecoding(sourcePath));
    rates.descriptors.push(await measureDescriptors(model, images));
    rates.build.push(await measureBuild(model, sourcePath, folder));
  }
  const [decoding, descriptors, build] = [median(rates.decoding), median(rates.descriptors), median(rates.build)];
  const ratios = rates.build.map((rate, run) => rate / rates.descriptors[run]!);
  console.log(`${images.length} images of ${images[0]?.width} x ${images[0]?.height}, ${runs} runs, medians`);
  console.log(`decoding one by one    ${decoding.toFixed(1)} images/s`);
  console.log(
    `descriptors alone      ${descriptors.toFixed(1)} images/s (decoded images in memory, batches of ${DEFAULT_BATCH})`,
  );
  console.log(`map build              ${build.toFixed(1)} images/s`);
  console.log(`map build / descriptors alone, same run: ${median(ratios).toFixed(2)}`);
} finally {
  await model.dispose();
  await rm(folder, { recursive: true });
}
