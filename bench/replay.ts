/**
 * @file How much of the bare descriptor rate does a replay keep, with reading, decoding, search and localization? Records the
 * images of a source as JPEG and raw, maps them, and compares the replays with the network alone on decoded images, run by
 * run. Decoding overlaps with the network: how far that hides it is told by the rate of both, one after the other.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMcapWriter } from '../src/bags/McapRecordingWriter.ts';
import { openBag } from '../src/bags/openBag.ts';
import { toRosTime } from '../src/bags/rosTime.ts';
import { isDatasetProblem } from '../src/datasets/GeotaggedImage.ts';
import { openImageSource } from '../src/datasets/openImageSource.ts';
import { openInputs } from '../src/evaluation/replay/openInputs.ts';
import { replayAll } from '../src/evaluation/replay/replayBag.ts';
import { decodeFrame, loadImage } from '../src/image/decodeFrame.ts';
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

const TOPICS = { jpeg: '/camera/compressed', raw: '/camera/image_raw' } as const;

async function record(path: string, images: readonly RgbImage[], jpegs: readonly Uint8Array[]): Promise<void> {
  const writer = await createMcapWriter(path);
  for (const [i, { width, height, data }] of images.entries()) {
    const stampNs = BigInt(i) * 100_000_000n;
    const header = { stamp: toRosTime(stampNs), frame_id: 'camera' };
    const compressed = { header, format: 'jpeg', data: jpegs[i]! };
    await writer.write(TOPICS.jpeg, 'sensor_msgs/msg/CompressedImage', stampNs, compressed);
    const shape = { width, height, encoding: 'rgb8', is_bigendian: 0, step: 3 * width };
    await writer.write(TOPICS.raw, 'sensor_msgs/msg/Image', stampNs, { header, ...shape, data });
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
const jpegs = await Promise.all(images.map((image) => encodeJpeg(image)));
await record(bagPath, images, jpegs);
const model = await loadModel(findDefaultModel(), { providers: ['cpu'] });
await buildMap(await openImageSource(sourcePath), model, { out: mapPath, calibration: false });
const engine = await openEngine({
  ...{ model: findDefaultModel(), map: mapPath, providers: ['cpu'], threads: 0, index: 'auto' },
  ...{ verifyTopK: 0, createMap: false, throughput: true },
});

async function rateOf(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (1000 * images.length) / (performance.now() - started);
}

async function describeAll(): Promise<void> {
  for (const image of images) await model.describe([image]);
}

async function decodeThenDescribe(): Promise<void> {
  for (const data of jpegs) {
    const image = await decodeFrame({ kind: 'compressed', stampNs: 0n, frameId: '', format: 'jpeg', data });
    if (!isFrameProblem(image)) await model.describe([image]);
  }
}

async function replay(image: string): Promise<void> {
  const bag = await openBag(bagPath);
  const settings = { topics: { image }, useOdometry: true, useFix: true, toleranceS: 0.2, baseFrame: '', datum: null };
  const { inputs } = await openInputs(bag, settings);
  const localizer = createLocalizer({ places: engine.facts.map.places, calibration: null });
  const tools = { recognizer: engine, localizer, topK: 20 };
  const onFrame = (): Promise<void> => Promise.resolve();
  await replayAll(inputs, tools, { onFrame, onProblem: () => undefined, signal: new AbortController().signal });
  await bag.close();
}

const WORK = {
  'network alone': describeAll,
  'decoding, then network': decodeThenDescribe,
  'replay of JPEG': () => replay(TOPICS.jpeg),
  'replay of raw images': () => replay(TOPICS.raw),
} as const;

try {
  const rates = new Map<string, number[]>(Object.keys(WORK).map((name) => [name, []]));
  for (let run = 0; run <= Number(runs); run++) {
    for (const [name, work] of Object.entries(WORK)) {
      const rate = await rateOf(work);
      if (run > 0) rates.get(name)!.push(rate); // the first run warms up
    }
  }
  const { width, height } = images[0]!;
  console.log(
    `${images.length} images of ${width} x ${height}, ${availableParallelism()} cores, medians of ${runs} runs`,
  );
  const bare = rates.get('network alone')!;
  for (const [name, values] of rates) {
    const ratio = median(values.map((value, run) => value / bare[run]!));
    console.log(`${name.padEnd(24)} ${median(values).toFixed(1)}/s, ${ratio.toFixed(2)} of the network alone`);
  }
} finally {
  await engine.dispose();
  await model.dispose();
  await rm(folder, { recursive: true });
}
