/**
 * @file Does a recording need more memory when it is longer? Writes raw camera images of a given size in GB as MCAP and as
 * rosbag2 SQLite, reads each through, replays the first one, and prints the peak of the resident memory.
 *
 *   node dist/bench/recording_memory.js [gigabytes, default 1] [folder, made where it is missing]
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { isBagProblem, type BagSource } from '../src/bags/BagSource.ts';
import { createMcapWriter } from '../src/bags/McapRecordingWriter.ts';
import { openBag } from '../src/bags/openBag.ts';
import { parseCameraFrame } from '../src/bags/parseMessages.ts';
import { toRosTime } from '../src/bags/rosTime.ts';
import { openImageSource } from '../src/datasets/openImageSource.ts';
import { openInputs } from '../src/evaluation/replay/openInputs.ts';
import { replayAll } from '../src/evaluation/replay/replayBag.ts';
import type { ReplayFrame } from '../src/evaluation/replay/ReplayFrame.ts';
import { encodeJpeg } from '../src/image/encode.ts';
import { findDefaultModel, loadModel } from '../src/inference/loadModel.ts';
import { createLocalizer } from '../src/localization/createLocalizer.ts';
import { makeFolder } from '../src/makeFolder.ts';
import { buildMap } from '../src/map/buildMap.ts';
import { EnginePool } from '../src/recognition/EnginePool.ts';

const [width, height] = [1280, 720];
const frameBytes = width * height * 3;
const gigabytes = Number(process.argv[2] ?? '1');
const frames = Math.ceil((gigabytes * 1e9) / frameBytes);
const parent = process.argv[3] ?? tmpdir();
await makeFolder(parent);
const folder = mkdtempSync(join(parent, 'netvlad-bench-'));

async function writeMcap(path: string): Promise<void> {
  const writer = await createMcapWriter(path);
  const data = new Uint8Array(frameBytes);
  for (let i = 0; i < frames; i++) {
    const stampNs = BigInt(i) * 33_000_000n;
    data.fill(i % 256);
    await writer.write('/camera/image_raw', 'sensor_msgs/msg/Image', stampNs, {
      ...{ header: { stamp: toRosTime(stampNs), frame_id: 'camera' }, height, width, encoding: 'rgb8' },
      ...{ is_bigendian: 0, step: width * 3, data },
    });
  }
  await writer.close();
}

/** The same messages in the storage of rosbag2_storage_sqlite3. */
async function writeSqlite(path: string, from: string): Promise<void> {
  const db = new Database(path);
  db.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT, offered_qos_profiles TEXT);
    CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB);
    CREATE INDEX timestamp_idx ON messages (timestamp ASC);
    INSERT INTO topics VALUES (1, '/camera/image_raw', 'sensor_msgs/msg/Image', 'cdr', '');`);
  const insert = db.prepare('INSERT INTO messages(topic_id, timestamp, data) VALUES (1, ?, ?)');
  const bag = await openBag(from);
  for await (const item of bag.messages()) if (!isBagProblem(item)) insert.run(item.logTimeNs, item.data);
  await bag.close();
  db.close();
}

/** Looks at the memory at every image of a pass over the recording. */
async function measure(
  path: string,
  what: string,
  pass: (bag: BagSource, look: () => void) => Promise<void>,
): Promise<void> {
  const before = process.memoryUsage().rss;
  let peak = before;
  const started = performance.now();
  const bag = await openBag(path);
  await pass(bag, () => {
    peak = Math.max(peak, process.memoryUsage().rss);
  });
  await bag.close();
  const seconds = (performance.now() - started) / 1000;
  const { size } = statSync(path);
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  console.log(
    `${bag.description}, ${what}: ${(size / 1e9).toFixed(2)} GB, ${frames} images, ${(size / 1e6 / seconds).toFixed(0)} MB/s, ` +
      `memory ${megabytes(before)} before, peak ${megabytes(peak)}`,
  );
}

async function read(bag: BagSource, look: () => void): Promise<void> {
  for await (const item of bag.messages()) {
    if (isBagProblem(item)) throw new Error(item.problem);
    parseCameraFrame(item);
    look();
  }
}

/** As `netvlad replay`, against a map of one image. */
async function replay(bag: BagSource, look: () => void): Promise<void> {
  const map = join(folder, 'one.vprmap');
  const images = join(folder, 'images');
  mkdirSync(images);
  writeFileSync(
    join(images, 'one.jpg'),
    await encodeJpeg({ width, height, data: new Uint8Array(frameBytes).fill(90) }),
  );
  const model = await loadModel(findDefaultModel(), { providers: ['cpu'] });
  await buildMap(await openImageSource(images), model, { out: map, local: true, calibration: false });
  await model.dispose();
  const pool = await EnginePool.open({
    ...{ model: findDefaultModel(), map, providers: ['cpu'], threads: 0, index: 'auto', verifyTopK: 20 },
    createMap: false,
  });
  const settings = { topics: {}, useOdometry: true, useFix: true, toleranceS: 0.2, baseFrame: '', datum: null };
  const { inputs } = await openInputs(bag, settings);
  const localizer = createLocalizer({ places: pool.facts.map.places, calibration: null });
  const kept: ReplayFrame[] = []; // as the command keeps them for its report
  const onFrame = (frame: ReplayFrame): Promise<void> => {
    kept.push(frame);
    look();
    return Promise.resolve();
  };
  const events = { onFrame, onProblem: () => undefined, signal: new AbortController().signal };
  await replayAll(inputs, { recognizer: pool, localizer, topK: 20, ahead: pool.ahead }, events);
  await pool.dispose();
  if (kept.length !== frames) throw new Error(`${kept.length} of ${frames} images were replayed`);
}

try {
  const [mcap, db3] = [join(folder, 'drive.mcap'), join(folder, 'drive.db3')];
  await writeMcap(mcap);
  await measure(mcap, 'read', read);
  await writeSqlite(db3, mcap);
  await measure(db3, 'read', read);
  rmSync(db3);
  await measure(mcap, 'replayed', replay);
} finally {
  rmSync(folder, { recursive: true });
}
