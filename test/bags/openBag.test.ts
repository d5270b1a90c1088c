/** @file Every form of a recording gives the same messages; damaged ones give what is left and name the rest. */
import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NetvladError } from '../../src/errors.ts';
import { isBagProblem } from '../../src/bags/BagSource.ts';
import { openBag } from '../../src/bags/openBag.ts';
import { createRandom } from '../../src/math/random.ts';
import {
  CAMERA,
  ODOM,
  driveMessages,
  readPath,
  writeDb3,
  writeMcap,
  writeSplit,
  zstdCompress,
  type BagContents,
  type RawMessage,
} from './support/driveFixture.ts';
import { writeRos1, type Ros1Settings } from './support/ros1Fixture.ts';

const DRIVE = driveMessages();

async function zstdChunks(): Promise<(chunk: Uint8Array) => { compression: string; compressedData: Uint8Array }> {
  const { default: zstd } = await import('@foxglove/wasm-zstd');
  await zstd.isLoaded;
  return (chunk) => ({ compression: 'zstd', compressedData: zstd.compress(chunk) });
}

const UNINDEXED = {
  useStatistics: false,
  useSummaryOffsets: false,
  repeatSchemas: false,
  repeatChannels: false,
  useMessageIndex: false,
  useChunkIndex: false,
};

/** Name -> writes the drive into the folder, returns the path to open. */
const FORMS: Record<string, (folder: string) => Promise<string>> = {
  'MCAP, chunks': (folder) => mcap(folder, {}),
  'MCAP, zstd chunks': async (folder) => mcap(folder, { compressChunk: await zstdChunks() }),
  'MCAP, chunks without message index': (folder) => mcap(folder, { useMessageIndex: false }),
  'MCAP, no chunks': (folder) => mcap(folder, { useChunks: false }),
  'MCAP, no index': (folder) => mcap(folder, UNINDEXED),
  'MCAP, no index, no chunks': (folder) => mcap(folder, { ...UNINDEXED, useChunks: false }),
  'MCAP, newest first': (folder) => mcap(folder, {}, [...DRIVE].reverse()),
  'SQLite file': (folder) => db3(folder, DRIVE),
  'SQLite, messages packed with zstd': async (folder) =>
    db3(folder, await Promise.all(DRIVE.map(async (m) => ({ ...m, data: await zstdCompress(m.data) })))),
  'SQLite, file packed with zstd': async (folder) => {
    const path = await db3(folder, DRIVE);
    writeFileSync(`${path}.zstd`, await zstdCompress(readFileSync(path)));
    return `${path}.zstd`;
  },
  'SQLite folder, 12 files': (folder) => split(folder, { parts: 12, metadata: true, storage: 'db3' }),
  'SQLite folder, 12 files, no metadata.yaml': (folder) =>
    split(folder, { parts: 12, metadata: false, storage: 'db3' }),
  'ROS 1': (folder) => ros1(folder, {}),
  'ROS 1, no index': (folder) => ros1(folder, { index: false }),
  'MCAP folder, 3 files': (folder) => split(folder, { parts: 3, metadata: true, storage: 'mcap' }),
};

async function mcap(folder: string, options: Parameters<typeof writeMcap>[2], messages = DRIVE): Promise<string> {
  const path = join(folder, 'drive.mcap');
  await writeMcap(path, messages, options);
  return path;
}

function db3(folder: string, messages: readonly RawMessage[]): Promise<string> {
  const path = join(folder, 'drive.db3');
  writeDb3(path, messages);
  return Promise.resolve(path);
}

function ros1(folder: string, settings: Ros1Settings): Promise<string> {
  const path = join(folder, 'drive.bag');
  writeRos1(path, DRIVE, settings);
  return Promise.resolve(path);
}

async function split(folder: string, settings: Parameters<typeof writeSplit>[2]): Promise<string> {
  const path = join(folder, 'drive');
  await writeSplit(path, DRIVE, settings);
  return path;
}

const keyOf = ({ topic, logTimeNs }: RawMessage): string => `${topic}@${logTimeNs}`;
const ORIGINAL = new Map(DRIVE.map((message) => [keyOf(message), message]));

function noIndexIn(path: string): string {
  return `${path}: The recording has no readable index (it names no chunk); its records were walked instead.`;
}

/** Reads a damaged recording: a refusal must be ours, whatever is delivered must be what was recorded. */
async function readDamaged(path: string): Promise<BagContents | NetvladError> {
  try {
    return await readPath(path);
  } catch (error) {
    if (error instanceof NetvladError) return error;
    throw error;
  }
}

/** Root may write into every folder: for the time of the work it is somebody else. */
async function withoutRoot(work: () => Promise<void>): Promise<void> {
  if (process.geteuid!() !== 0) return work();
  process.seteuid!(65_534);
  try {
    await work();
  } finally {
    process.seteuid!(0);
  }
}

/** Whether somebody else gets to `folder` at all, and may make temporary files. */
async function isOpenToOthers(folder: string): Promise<boolean> {
  chmodSync(folder, 0o755);
  try {
    await withoutRoot(() => {
      readdirSync(folder);
      rmSync(mkdtempSync(join(tmpdir(), 'netvlad-others-')), { recursive: true });
      return Promise.resolve();
    });
    return true;
  } catch {
    return false;
  }
}

describe('openBag', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-bags-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  for (const [name, write] of Object.entries(FORMS)) {
    it(`${name}: all messages in log order, byte for byte`, async () => {
      const path = await write(folder);
      const { messages, problems } = await readPath(path);
      assert.deepEqual(messages, DRIVE);
      // An MCAP without an index is a whole one; a ROS 1 recorder leaves none behind only when it dies.
      assert.deepEqual(problems, name === 'ROS 1, no index' ? [noIndexIn(path)] : []);
      const camera = await readPath(path, [CAMERA]);
      assert.deepEqual(
        camera.messages,
        DRIVE.filter(({ topic }) => topic === CAMERA),
      );
      const bag = await openBag(path);
      assert.deepEqual(
        bag.topics.map(({ name: topic, type, messageCount }) => [topic, type, messageCount]),
        [
          [CAMERA, 'sensor_msgs/msg/Image', 10],
          [ODOM, 'nav_msgs/msg/Odometry', 40],
        ],
      );
      assert.deepEqual(bag.range, { startNs: DRIVE[0]!.logTimeNs, endNs: DRIVE.at(-1)!.logTimeNs });
      await bag.close();
    });
  }

  it('SQLite with a write-ahead log: read with what the log holds, also where nothing may be written beside it', async function () {
    if (!(await isOpenToOthers(folder))) this.skip(); // root with a temporary folder of its own
    const recorded = join(folder, 'recorded');
    mkdirSync(recorded);
    const path = await db3(recorded, DRIVE.slice(0, -1));
    const db = new Database(path);
    db.pragma('journal_mode = WAL');
    db.pragma('wal_autocheckpoint = 0');
    const { topic, logTimeNs, data } = DRIVE.at(-1)!;
    db.prepare('INSERT INTO messages(topic_id, timestamp, data) SELECT id, ?, ? FROM topics WHERE name = ?').run(
      ...[logTimeNs, data, topic],
    );
    const killed = join(folder, 'killed');
    mkdirSync(killed);
    for (const name of ['drive.db3', 'drive.db3-wal']) copyFileSync(join(recorded, name), join(killed, name));
    db.close();
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    copyFileSync(path, join(closed, 'drive.db3'));
    for (const archived of [killed, closed]) {
      chmodSync(archived, 0o555);
      const before = readdirSync(archived);
      await withoutRoot(async () => {
        const { messages, problems } = await readPath(join(archived, 'drive.db3'));
        assert.deepEqual([messages, problems], [DRIVE, []], archived);
      });
      assert.deepEqual(readdirSync(archived), before);
      chmodSync(archived, 0o755);
      assert.deepEqual((await readPath(join(archived, 'drive.db3'))).messages, DRIVE);
    }
  });

  it('SQLite: a row whose time is no number is named, the others are read', async () => {
    const path = await db3(folder, DRIVE);
    const db = new Database(path);
    db.exec("UPDATE messages SET timestamp = 'noon' WHERE id = 3");
    db.close();
    const { messages, problems } = await readPath(path);
    assert.equal(messages.length, DRIVE.length - 1);
    assert.deepEqual(problems, [
      `${path}, messages.id 3: The message has the time "noon", which is no number of nanoseconds.`,
    ]);
    const bag = await openBag(path);
    assert.equal(typeof bag.range?.endNs, 'bigint');
    await bag.close();
  });

  it('chunk after chunk of an MCAP is read into the same memory, each of two passes at once into its own', async () => {
    const bag = await openBag(await mcap(folder, {}));
    assert.match(bag.description, /indexed, 1\d chunks/);
    const [replayed, copied] = [bag.messages(), bag.messages()].map((pass) => pass[Symbol.asyncIterator]());
    const memory = new Set<ArrayBufferLike>();
    for (const { data } of DRIVE) {
      for (const step of [await replayed!.next(), await copied!.next()]) {
        assert.ok(step.done !== true && !isBagProblem(step.value));
        assert.deepEqual(Uint8Array.from(step.value.data), data);
        memory.add(step.value.data.buffer);
      }
    }
    assert.ok(memory.size <= 4, `${memory.size} buffers, of two passes that grew each once`);
    await bag.close();
  });

  it('a chunk with a flipped byte is left out and named; the rest is read', async () => {
    const path = await mcap(folder, {});
    const bytes = readFileSync(path);
    const at = bytes.indexOf(DRIVE[20]!.data);
    bytes[at + 40]! ^= 1;
    writeFileSync(path, bytes);
    const { messages, problems } = await readPath(path);
    assert.match(problems.join('\n'), /checksum does not match/);
    assert.equal(problems.length, 1);
    assert.ok(messages.length > 30 && messages.length < DRIVE.length, `${messages.length} messages are left`);
    for (const message of messages) assert.deepEqual(message, ORIGINAL.get(keyOf(message)));
  });

  it('a cut uncompressed MCAP gives every message before the cut', async () => {
    const path = await mcap(folder, { chunkSize: 1_000_000 });
    const bytes = readFileSync(path);
    const end = bytes.indexOf(DRIVE[25]!.data) + DRIVE[25]!.data.length;
    writeFileSync(path, bytes.subarray(0, end + 3));
    const { messages, problems } = await readPath(path);
    assert.deepEqual(messages, DRIVE.slice(0, 26));
    assert.match(problems.join('\n'), /cut/);
  });

  it('a cut ROS 1 bag gives every message before the cut, and names where it was', async () => {
    const path = await ros1(folder, { chunkMessages: 20 });
    const bytes = readFileSync(path);
    const end = bytes.indexOf(DRIVE[25]!.data) + DRIVE[25]!.data.length;
    writeFileSync(path, bytes.subarray(0, end + 3));
    const { messages, problems } = await readPath(path);
    assert.deepEqual(messages, DRIVE.slice(0, 26));
    assert.match(
      problems.join('\n'),
      /byte \d+ of \d+: A record of \d+ bytes has \d+ left: the recording was cut here/,
    );
  });

  it('a cut SQLite file gives the messages on the pages before the cut, and names where it was', async () => {
    const path = await db3(folder, DRIVE);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * 0.7)));
    const { messages, problems } = await readPath(path);
    assert.ok(messages.length > 20 && messages.length < DRIVE.length, `${messages.length} messages`);
    for (const message of messages) assert.deepEqual(message, ORIGINAL.get(keyOf(message)));
    assert.match(problems.join('\n'), /The file was cut: it has \d+ of \d+ bytes/);
    assert.match(problems.join('\n'), /The last message that can be found is messages\.id \d+/);
  });

  it('a missing file of a split recording is named', async () => {
    const path = await split(folder, { parts: 3, metadata: true, storage: 'db3' });
    rmSync(join(path, 'drive_1.db3'));
    const { messages, problems } = await readPath(path);
    assert.equal(messages.length, DRIVE.length - 17);
    assert.match(problems.join('\n'), /drive_1\.db3: The file is listed in metadata\.yaml but is not there/);
  });

  it('refuses what is no recording, saying what it wants', async () => {
    writeFileSync(join(folder, 'photo.jpg'), 'nothing');
    writeFileSync(join(folder, 'empty.mcap'), '');
    mkdirSync(join(folder, 'nothing'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const cases = {
      'photo.jpg': /no recording/,
      'empty.mcap': /is empty/,
      nothing: /holds no readable recording/,
      absent: /ENOENT/,
      pipe: /is a pipe or a device/,
    };
    for (const [name, pattern] of Object.entries(cases)) {
      await assert.rejects(
        openBag(join(folder, name)),
        (error) => error instanceof NetvladError && pattern.test(error.message),
      );
    }
  });

  describe('damage anywhere: no crash, nothing invented', () => {
    for (const [form, trials] of [
      ['MCAP, chunks', 1000],
      ['MCAP, zstd chunks', 250],
      ['SQLite file', 1000],
      ['ROS 1', 1000],
    ] as const) {
      it(`${form}, cut at ${trials} places: what is delivered was recorded, what is lost is said`, async () => {
        const path = await FORMS[form]!(folder);
        const bytes = readFileSync(path);
        const random = createRandom(7);
        for (let trial = 0; trial < trials; trial++) {
          const cut = random.int(bytes.length);
          writeFileSync(path, bytes.subarray(0, cut));
          const result = await readDamaged(path);
          if (result instanceof NetvladError) continue;
          for (const message of result.messages) assert.deepEqual(message, ORIGINAL.get(keyOf(message)), `cut ${cut}`);
          const isComplete = result.messages.length === DRIVE.length;
          assert.ok(
            isComplete || result.problems.length > 0,
            `cut ${cut}: ${result.messages.length} messages, no word`,
          );
        }
      });
    }

    for (const [form, trials] of [
      ['MCAP, chunks', 1000],
      ['MCAP, zstd chunks', 250],
    ] as const) {
      it(`${form}, a byte flipped at ${trials} places: checksums keep wrong messages out`, async () => {
        const path = await FORMS[form]!(folder);
        const bytes = readFileSync(path);
        const random = createRandom(8);
        for (let trial = 0; trial < trials; trial++) {
          const damaged = Uint8Array.from(bytes);
          const at = random.int(bytes.length);
          damaged[at]! ^= 1 + random.int(255);
          writeFileSync(path, damaged);
          const result = await readDamaged(path);
          if (result instanceof NetvladError) continue;
          for (const message of result.messages) assert.deepEqual(message, ORIGINAL.get(keyOf(message)), `byte ${at}`);
          const isComplete = result.messages.length === DRIVE.length;
          assert.ok(
            isComplete || result.problems.length > 0,
            `byte ${at}: ${result.messages.length} messages, no word`,
          );
        }
      });
    }

    // Neither has checksums: a flip inside of a message goes unnoticed.
    for (const form of ['SQLite file', 'ROS 1'] as const) {
      it(`${form}, a byte flipped at 1000 places: never more messages than recorded, what is lost is said`, async () => {
        const path = await FORMS[form]!(folder);
        const bytes = readFileSync(path);
        const random = createRandom(9);
        for (let trial = 0; trial < 1000; trial++) {
          const damaged = Uint8Array.from(bytes);
          const at = random.int(bytes.length);
          damaged[at]! ^= 1 + random.int(255);
          writeFileSync(path, damaged);
          const result = await readDamaged(path);
          if (result instanceof NetvladError) continue;
          const { length } = result.messages;
          assert.ok(
            length === DRIVE.length || (length < DRIVE.length && result.problems.length > 0),
            `byte ${at}: ${length} messages`,
          );
        }
      });
    }
  });
});
