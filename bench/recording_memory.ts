/**
 * @file Does reading a recording need more memory when it is longer? Writes raw camera images of a given size in GB as MCAP
 * and as rosbag2 SQLite, reads each through, prints the peak of the resident memory above what the process had before.
 *
 *   node dist/bench/recording_memory.js [gigabytes, default 1] [folder]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { isBagProblem } from '../src/bags/BagSource.ts';
import { createMcapWriter } from '../src/bags/McapRecordingWriter.ts';
import { openBag } from '../src/bags/openBag.ts';
import { parseCameraFrame } from '../src/bags/parseMessages.ts';
import { toRosTime } from '../src/bags/rosTime.ts';

const [width, height] = [1280, 720];
const frameBytes = width * height * 3;
const gigabytes = Number(process.argv[2] ?? '1');
const frames = Math.ceil((gigabytes * 1e9) / frameBytes);
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'netvlad-bench-'));

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

async function measure(path: string): Promise<void> {
  global.gc?.();
  const before = process.memoryUsage().rss;
  let peak = before;
  let read = 0;
  const started = performance.now();
  const bag = await openBag(path);
  for await (const item of bag.messages()) {
    if (isBagProblem(item)) throw new Error(item.problem);
    read += parseCameraFrame(item).data.length;
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  await bag.close();
  const seconds = (performance.now() - started) / 1000;
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  console.log(
    `${bag.description}: ${(statSync(path).size / 1e9).toFixed(2)} GB, ${frames} images, ${(read / 1e6 / seconds).toFixed(0)} MB/s, ` +
      `memory ${megabytes(before)} before, peak ${megabytes(peak)}`,
  );
}

try {
  const [mcap, db3] = [join(folder, 'drive.mcap'), join(folder, 'drive.db3')];
  await writeMcap(mcap);
  await measure(mcap);
  await writeSqlite(db3, mcap);
  rmSync(mcap);
  await measure(db3);
} finally {
  rmSync(folder, { recursive: true });
}
