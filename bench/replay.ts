/**
 * @file How much of the bare descriptor rate does a replay keep, with reading, decoding, search and localization? Records the
 * images of a source as JPEG, maps them, and compares the replay with the network alone on decoded images, run by run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMcapWriter } from '../src/bags/McapRecordingWriter.ts';
import { openBag } from '../src/bags/openBag.ts';
import { toRosTime } from '../src/bags/rosTime.ts';
import { isDatasetProblem } from '../src/datasets/GeotaggedImage.ts';
import { openImageSource } from '../src/datasets/openImageSource.ts';
import { openInputs } from '../src/evaluation/replay/openInputs.ts';
import { replayAll } from '../src/evaluation/replay/replayBag.ts';
import { loadImage } from '../src/image/decodeFrame.ts';
import { encodeJpeg } from '../src/image/encode.ts';
import { isFrameProblem } from '../src/image/FrameLimits.ts';
import type { RgbImage } from '../src/image/RgbImage.ts';
import { findDefaultModel, loadModel } from '../src/inference/loadModel.ts';
import { createLocalizer } from '../src/localization/createLocalizer.ts';
import { buildMap } from '../src/map/buildMap.ts';
import { openEngine } from '../src/recognition/openEngine.ts';

const USAGE = 'usage: node dist/bench/replay.js SOURCE [images] [runs] (SOURCE: a folder of images or a CSV)';
const [sourcePath, count = '60', runs = '5'] = process.argv.slice(2);
if (sourcePath === undefined) throw new Error(USAGE);

async function readImages(path: string): Promise<readonly RgbImage[]> {
  const images: RgbImage[] = [];
  for await (const item of await openImageSource(path)) {
    if (isDatasetProblem(item) || item.content.kind !== 'file') continue;
    const image = await loadImage(item.content.path);
    if (!isFrameProblem(image)) images.push(image);
    if (images.length === Number(count)) break;
  }
  return images;
}

async function record(path: string, images: readonly RgbImage[]): Promise<void> {
  const writer = await createMcapWriter(path);
  for (const [i, image] of images.entries()) {
    const stampNs = BigInt(i) * 100_000_000n;
    const header = { stamp: toRosTime(stampNs), frame_id: 'camera' };
    const message = { header, format: 'jpeg', data: await encodeJpeg(image) };
    await writer.write('/camera/compressed', 'sensor_msgs/msg/CompressedImage', stampNs, message);
  }
  await writer.close();
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

const folder = await mkdtemp(join(tmpdir(), 'netvlad-bench-'));
const [bagPath, mapPath] = [join(folder, 'drive.mcap'), join(folder, 'drive.vprmap')];
const images = await readImages(sourcePath);
await record(bagPath, images);
const model = await loadModel(findDefaultModel(), { providers: ['cpu'] });
await buildMap(await openImageSource(sourcePath), model, { out: mapPath, calibration: false });
const engine = await openEngine({
  ...{ model: findDefaultModel(), map: mapPath, providers: ['cpu'], threads: 0, index: 'auto' },
  ...{ verifyTopK: 0, createMap: false },
});

async function measureBare(): Promise<number> {
  const started = performance.now();
  for (const image of images) await model.describe([image]);
  return (1000 * images.length) / (performance.now() - started);
}

async function measureReplay(): Promise<number> {
  const started = performance.now();
  const bag = await openBag(bagPath);
  const settings = { topics: {}, useOdometry: true, useFix: true, toleranceS: 0.2, baseFrame: '', datum: null };
  const { inputs } = await openInputs(bag, settings);
  const localizer = createLocalizer({ places: engine.facts.map.places, calibration: null });
  const tools = { recognizer: engine, localizer, topK: 20 };
  const onFrame = (): Promise<void> => Promise.resolve();
  await replayAll(inputs, tools, { onFrame, onProblem: () => undefined, signal: new AbortController().signal });
  await bag.close();
  return (1000 * images.length) / (performance.now() - started);
}

try {
  const rates: { readonly bare: number; readonly replay: number }[] = [];
  for (let run = 0; run < Number(runs); run++) rates.push({ bare: await measureBare(), replay: await measureReplay() });
  const bare = median(rates.map((rate) => rate.bare));
  const replay = median(rates.map((rate) => rate.replay));
  const ratio = median(rates.map((rate) => rate.replay / rate.bare));
  console.log(`${images.length} images of ${images[0]!.width} x ${images[0]!.height}, ${rates.length} runs, medians`);
  console.log(`network alone ${bare.toFixed(1)}/s, replay ${replay.toFixed(1)}/s, ratio ${ratio.toFixed(2)}`);
} finally {
  await engine.dispose();
  await model.dispose();
  await rm(folder, { recursive: true });
}
