/** @file `netvlad replay` of recordings that were cut or damaged anywhere: it never crashes, and says what it did not read. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toRosTime } from '../../src/bags/rosTime.ts';
import { countOf } from '../../src/countOf.ts';
import type { ReplayDocument } from '../../src/evaluation/replay/ReplayDocument.ts';
import { encodePng } from '../../src/image/encode.ts';
import { createRandom } from '../../src/math/random.ts';
import { encodeCdr, writeDb3, writeMcap, type RawMessage } from '../bags/support/driveFixture.ts';
import { encodeRos1, writeRos1 } from '../bags/support/ros1Fixture.ts';
import { runMain } from '../support/runMain.ts';
import { createPatternImage, writeTinyModel } from '../support/tinyModel.ts';

const IMAGES = 8;
const TRIALS = 40;
const START_NS = 1_700_000_000_000_000_000n;
const [DONE, BAD_INPUT] = [0, 3];

type Encode = (type: string, message: unknown) => Uint8Array;

/** Two topics, images at 2 Hz. ROS 1 spells the nanoseconds of a time `nsec` and counts headers. */
async function driveMessages(encode: Encode): Promise<RawMessage[]> {
  const messages: RawMessage[] = [];
  for (let i = 0; i < IMAGES; i++) {
    const logTimeNs = START_NS + BigInt(i) * 500_000_000n;
    const { sec, nanosec } = toRosTime(logTimeNs);
    const header = { seq: i, stamp: { sec, nanosec, nsec: nanosec }, frame_id: 'camera' };
    const pose = { position: { x: i, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };
    const add = (topic: string, type: string, message: unknown): void => {
      messages.push({ topic, type, logTimeNs, data: encode(type, message) });
    };
    add('/ground_truth', 'geometry_msgs/msg/PoseStamped', { header, pose });
    const data = await encodePng(createPatternImage(i));
    add('/camera/compressed', 'sensor_msgs/msg/CompressedImage', { header, format: 'png', data });
  }
  return messages;
}

/** Name -> writes the drive to a path without suffix, returns the file's. */
const FORMATS: Readonly<Record<string, (path: string) => Promise<string>>> = {
  MCAP: async (path) => {
    await writeMcap(`${path}.mcap`, await driveMessages(encodeCdr), { chunkSize: 30_000 });
    return `${path}.mcap`;
  },
  'rosbag2 SQLite': async (path) => {
    writeDb3(`${path}.db3`, await driveMessages(encodeCdr));
    return `${path}.db3`;
  },
  'ROS 1': async (path) => {
    writeRos1(`${path}.bag`, await driveMessages(encodeRos1), { chunkMessages: 4 });
    return `${path}.bag`;
  },
};

describe('netvlad replay of damaged recordings', function () {
  this.timeout(120_000);
  let folder = '';
  let model = '';
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-damaged-'));
    model = await writeTinyModel({ folder });
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  for (const [name, write] of Object.entries(FORMATS)) {
    for (const damage of ['cut', 'flipped'] as const) {
      it(`${name}, ${damage} at ${TRIALS} places: the exit code is right, and the message tells what was read`, async () => {
        const path = await write(join(folder, `${damage}-drive`));
        const map = `${path}.vprmap`;
        const built = await runMain(['map', 'build', path, '--out', map, '--model', model]);
        assert.equal(built.code, DONE, built.stderr);
        const bytes = readFileSync(path);
        const random = createRandom(12);
        const ends = new Map<number, number>();
        for (let trial = 0; trial < TRIALS; trial++) {
          const at = random.int(bytes.length);
          const damaged = Uint8Array.from(damage === 'cut' ? bytes.subarray(0, at) : bytes);
          if (damage === 'flipped') damaged[at]! ^= 1 + random.int(255);
          writeFileSync(path, damaged);
          const run = await runMain(['replay', path, '--map', map, '--model', model, '--json']);
          ends.set(run.code!, (ends.get(run.code!) ?? 0) + 1);
          assertAnswer(run, path, `${damage} at byte ${at} of ${bytes.length}`);
        }
        // A cut in the first chunk leaves nothing, one behind it leaves something.
        if (damage === 'cut') assert.ok(ends.get(DONE)! > 0 && ends.get(BAD_INPUT)! > 0, JSON.stringify([...ends]));
      });
    }
  }

  function assertAnswer(run: Awaited<ReturnType<typeof runMain>>, path: string, what: string): void {
    assert.ok(run.code === DONE || run.code === BAD_INPUT, `${what}: exit code ${run.code}, ${run.stderr}`);
    assert.doesNotMatch(run.stderr, /^\s+at .*:\d+/m, `${what}: a stack trace`);
    if (run.code === BAD_INPUT) {
      const { error } = JSON.parse(run.stdout) as { readonly error: { readonly message: string } };
      assert.ok(error.message.includes(path), `${what}: ${error.message}`);
      return;
    }
    const { frames, problems } = JSON.parse(run.stdout) as ReplayDocument;
    assert.ok(frames.processed > 0, what);
    const lost = IMAGES - frames.images;
    assert.ok(lost >= 0 && (lost === 0 || problems.length > 0), `${what}: ${lost} images lost without a word`);
    if (problems.length === 0) return;
    assert.match(
      run.stderr,
      new RegExp(`${countOf(frames.images, 'image')} read, the last recorded at \\d+\\.\\d+ s`),
      what,
    );
    for (const { where } of problems.slice(0, 5)) assert.ok(run.stderr.includes(`${where}: `), what);
  }
});
