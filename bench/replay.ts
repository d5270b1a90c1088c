/**
 * @file How much of the bare descriptor rate does a replay keep, with reading, decoding, search, verification and localization?
 * Records the images of a source as JPEG, raw, and raw at the network's size, maps them, and compares the replays with the
 * network alone on decoded images, run by run, in two groups. On all cores: one image after the other as in the node, several at
 * once as in a replay. What decoding costs the cores cannot be hidden where the network fills them: the rate of both in one thread
 * tells how much that is. On one core: an engine that leaves the others to reading and decoding tells whether these overlap with
 * its network. Two threads of one inference have two speeds on some machines, whence least and most of every ratio.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
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
import { sampleNearest } from '../src/image/sampleNearest.ts';
import type { DescriptorModel } from '../src/inference/DescriptorModel.ts';
import { findDefaultModel, loadModel } from '../src/inference/loadModel.ts';
import { createLocalizer } from '../src/localization/createLocalizer.ts';
import { buildMap } from '../src/map/buildMap.ts';
import { mapAhead } from '../src/map/mapAhead.ts';
import { median } from '../src/math/statistics.ts';
import { EnginePool, type PoolPlan } from '../src/recognition/EnginePool.ts';
import type { EngineConfig } from '../src/recognition/RecognitionEngine.ts';
import { endWithUsage } from './support/usage.ts';

const [sourcePath, count = '60', runs = '5'] = process.argv.slice(2);
if (sourcePath === undefined) endWithUsage('replay.js SOURCE [images] [runs] (SOURCE: a folder of images or a CSV)');

interface RecordedFrame {
  readonly image: RgbImage;
  readonly jpeg: Uint8Array;
  /** At the network's size. */
  readonly small: RgbImage;
}

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

/** At the network's size nothing is left to decode: what remains is the overhead of the replay itself. */
const KINDS = ['jpeg', 'raw', 'small'] as const;
type Kind = (typeof KINDS)[number];

async function record(path: string, kind: Kind, frames: readonly RecordedFrame[]): Promise<void> {
  const writer = await createMcapWriter(path);
  for (const [i, { jpeg, image, small }] of frames.entries()) {
    const stampNs = BigInt(i) * 100_000_000n;
    const header = { stamp: toRosTime(stampNs), frame_id: 'camera' };
    if (kind === 'jpeg') {
      const compressed = { header, format: 'jpeg', data: jpeg };
      await writer.write('/camera/compressed', 'sensor_msgs/msg/CompressedImage', stampNs, compressed);
    } else {
      const { width, height, data } = kind === 'raw' ? image : small;
      const shape = { width, height, encoding: 'rgb8', is_bigendian: 0, step: 3 * width };
      await writer.write('/camera/image_raw', 'sensor_msgs/msg/Image', stampNs, { header, ...shape, data });
    }
  }
  await writer.close();
}

const folder = await mkdtemp(join(tmpdir(), 'netvlad-bench-'));
const mapPath = join(folder, 'drive.vprmap');
const bagPathOf = (kind: Kind): string => join(folder, `${kind}.mcap`);
const model = await loadModel(findDefaultModel(), { providers: ['cpu'] });
const modelOnOneCore = await loadModel(findDefaultModel(), { providers: ['cpu'], threads: 1 });
const { width: inputWidth, height: inputHeight } = model.manifest.input;
const images = await readImages(sourcePath);
const frames: readonly RecordedFrame[] = await Promise.all(
  images.map(async (image) => {
    const jpeg = await encodeJpeg(image);
    return { image, jpeg, small: sampleNearest(image, inputWidth, inputHeight) };
  }),
);
for (const kind of KINDS) await record(bagPathOf(kind), kind, frames);
await buildMap(await openImageSource(sourcePath), model, { out: mapPath, local: true, calibration: false });

function openPool(verifyTopK: number, plan?: PoolPlan): Promise<EnginePool> {
  const config: EngineConfig = {
    ...{ model: findDefaultModel(), map: mapPath, providers: ['cpu'], threads: 0, index: 'auto' },
    ...{ verifyTopK, createMap: false },
  };
  return EnginePool.open(config, plan);
}

const [plain, verifying] = [await openPool(0), await openPool(20)];
const onOneCore = await openPool(0, { engines: 1, threads: 1 });

interface Cost {
  /** Images a second. */
  readonly rate: number;
  /** Of all cores, an image: what bounds the rate where all cores are busy. */
  readonly cpuMs: number;
}

/** Idle threads of ONNX Runtime spin on for some 35 ms after its last run: on the account of what comes next, if that began at once. */
const REST_MS = 200;

async function costOf(work: () => Promise<void>): Promise<Cost> {
  await rest(REST_MS);
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  return { rate: (1000 * images.length) / wallMs, cpuMs: (user + system) / 1000 / images.length };
}

async function describeAll(network: DescriptorModel): Promise<void> {
  for (const image of images) await network.describe([image]);
}

async function decodeThenDescribe(): Promise<void> {
  for (const { jpeg: data } of frames) {
    const image = await decodeFrame({ kind: 'compressed', stampNs: 0n, frameId: '', format: 'jpeg', data });
    if (!isFrameProblem(image)) await model.describe([image]);
  }
}

/** Pixels from memory, at the network's size: what the engines can do at most. */
async function recognizeAll(pool: EnginePool): Promise<void> {
  const [width, height] = [inputWidth, inputHeight];
  const shape = { width, height, step: 3 * width, encoding: 'rgb8', isBigEndian: false };
  const recognize = (data: Uint8Array): Promise<unknown> =>
    pool.recognize({ kind: 'raw', stampNs: 0n, frameId: '', ...shape, data }, 20);
  const small = frames.map((frame) => frame.small.data);
  const recognitions = mapAhead(small, () => pool.ahead, recognize);
  while ((await recognitions.next()).done !== true);
}

async function replay(kind: Kind, pool: EnginePool): Promise<void> {
  const bag = await openBag(bagPathOf(kind));
  const settings = { topics: {}, useOdometry: true, useFix: true, toleranceS: 0.2, baseFrame: '', datum: null };
  const { inputs } = await openInputs(bag, settings);
  const localizer = createLocalizer({ places: pool.facts.map.places, calibration: null });
  const tools = { recognizer: pool, localizer, topK: 20, ahead: pool.ahead };
  const onFrame = (): Promise<void> => Promise.resolve();
  await replayAll(inputs, tools, { onFrame, onProblem: () => undefined, signal: new AbortController().signal });
  await bag.close();
}

/** Rates of a group are given as shares of its first. */
const GROUPS: readonly Readonly<Record<string, () => Promise<void>>>[] = [
  {
    'network, one image at a time': () => describeAll(model),
    'decoding a JPEG, then network': decodeThenDescribe,
    'networks, one a core': () => recognizeAll(plain),
    'replay, JPEG': () => replay('jpeg', plain),
    'replay, raw': () => replay('raw', plain),
    "replay, raw at the network's size": () => replay('small', plain),
    'networks and verification of 20': () => recognizeAll(verifying),
    'replay, JPEG, verified': () => replay('jpeg', verifying),
    'replay, raw, verified': () => replay('raw', verifying),
    "replay, raw at the network's size, verified": () => replay('small', verifying),
  },
  {
    'network on one core': () => describeAll(modelOnOneCore),
    'one engine on one core': () => recognizeAll(onOneCore),
    'replay, JPEG, one engine on one core': () => replay('jpeg', onOneCore),
    'replay, raw, one engine on one core': () => replay('raw', onOneCore),
  },
];

function print(name: string, values: readonly Cost[], bare: readonly Cost[]): void {
  const ratios = values.map(({ rate }, run) => rate / bare[run]!.rate);
  const [ratio, least, most] = [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((each) =>
    each.toFixed(2),
  );
  const [rate, cpuMs] = [median(values.map((cost) => cost.rate)), median(values.map((cost) => cost.cpuMs))];
  const facts = [
    `${rate.toFixed(0).padStart(4)}/s`,
    `${ratio} (${least}..${most}) of the first`,
    `${cpuMs.toFixed(1)} ms CPU`,
  ];
  console.log(`${name.padEnd(44)} ${facts.join(', ')}`);
}

try {
  const costs = GROUPS.map((group) =>
    Object.entries(group).map(([name, work]) => ({ name, work, runs: [] as Cost[] })),
  );
  for (let run = 0; run <= Number(runs); run++) {
    for (const measured of costs.flat()) {
      const cost = await costOf(measured.work);
      if (run > 0) measured.runs.push(cost); // the first run warms up
    }
  }
  const { width, height } = images[0]!;
  console.log(
    `${images.length} images of ${width} x ${height}, ${availableParallelism()} cores, medians of ${runs} runs, of ratios least and most beside them`,
  );
  for (const group of costs) {
    console.log();
    for (const { name, runs: values } of group) print(name, values, group[0]!.runs);
  }
} finally {
  await plain.dispose();
  await verifying.dispose();
  await onOneCore.dispose();
  await model.dispose();
  await modelOnOneCore.dispose();
  await rm(folder, { recursive: true });
}
