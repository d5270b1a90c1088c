/**
 * @file Our recordings and other people's: PyPI `rosbags` and `mcap` write drives of real images in twelve forms, which
 * must be read with the same stamps, order and pixels; ours are read back by them. Needs a Python with both packages, as
 * `make setup` installs it; without one the tests are skipped and say so.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { isBagProblem } from '../../src/bags/BagSource.ts';
import { createRecordingWriter } from '../../src/bags/createRecordingWriter.ts';
import type { RosMessages } from '../../src/bags/messages.ts';
import { openBag } from '../../src/bags/openBag.ts';
import { openBagSource } from '../../src/bags/openBagSource.ts';
import { parseCameraFrame, parsePositionSample } from '../../src/bags/parseMessages.ts';
import { toRosTime } from '../../src/bags/rosTime.ts';
import { isDatasetProblem } from '../../src/datasets/GeotaggedImage.ts';
import { decodeFrame } from '../../src/image/decodeFrame.ts';
import { isFrameProblem } from '../../src/image/FrameLimits.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';
import { sharedPath } from '../support/sharedData.ts';

const PEER = new URL('../../../test/integration/peers/recordings.py', import.meta.url).pathname;
const IMAGES = 6;
const START_NS = 1_700_000_000_000_000_007n;
const STEP_NS = 400_000_000n;
/** The peer's recorder takes five milliseconds. */
const LOG_DELAY_NS = 5_000_000n;

const FORMATS: Readonly<Record<string, string>> = {
  'rosbag2-sqlite': 'drive',
  'rosbag2-sqlite-message-zstd': 'drive',
  'rosbag2-sqlite-file-zstd': 'drive',
  'rosbag2-mcap': 'drive',
  'rosbag2-mcap-zstd': 'drive',
  'mcap-none': 'drive.mcap',
  'mcap-lz4': 'drive.mcap',
  'mcap-zstd': 'drive.mcap',
  'mcap-unchunked': 'drive.mcap',
  ros1: 'drive.bag',
  'ros1-lz4': 'drive.bag',
  'ros1-bz2': 'drive.bag',
};

interface DriveImage {
  readonly stampNs: bigint;
  readonly bytes: Uint8Array;
  readonly format: string;
  readonly pixels: RgbImage;
  readonly x: number;
  readonly y: number;
  readonly yawRad: number;
}

function hasPeer(): boolean {
  try {
    execFileSync('python3', ['-c', 'import rosbags, mcap'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function readDrive(folder: string, filter: string): Promise<DriveImage[]> {
  const rows = parse<Record<string, string>>(readFileSync(join(folder, 'index.csv')), { columns: true, bom: true });
  const chosen = rows.filter(({ file }) => file!.includes(filter)).slice(0, IMAGES);
  return Promise.all(
    chosen.map(async (row, i): Promise<DriveImage> => {
      const bytes = Uint8Array.from(readFileSync(join(folder, row.file!)));
      const stampNs = START_NS + BigInt(i) * STEP_NS;
      const format = row.file!.endsWith('.png') ? 'png' : 'jpeg';
      const pixels = await decodeFrame({ kind: 'compressed', stampNs, frameId: '', format, data: bytes });
      assert.ok(!isFrameProblem(pixels));
      const yawRad = (Number(row.yaw_deg || '0') * Math.PI) / 180;
      return { stampNs, bytes, format, pixels, x: Number(row.x_m || i), y: Number(row.y_m || '0'), yawRad };
    }),
  );
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('recordings of other programs', () => {
  let folder = '';
  before(function () {
    if (hasPeer()) return;
    this.test!.parent!.tests.forEach((test) => {
      test.title += ' (skipped: python3 has no rosbags and mcap; run `make setup`)';
    });
    this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-peer-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function writeByPeer(format: string, drive: readonly DriveImage[]): string {
    const manifest = drive.map(({ stampNs, bytes, format: kind, pixels, x, y, yawRad }, i) => {
      const [compressed, raw] = [join(folder, `${i}.${kind}`), join(folder, `${i}.rgb`)];
      writeFileSync(compressed, bytes);
      writeFileSync(raw, pixels.data);
      return {
        ...{ stamp_ns: String(stampNs), compressed, format: kind, pixels: raw },
        ...{ width: pixels.width, height: pixels.height },
        ...{ x, y, qz: Math.sin(yawRad / 2), qw: Math.cos(yawRad / 2) },
      };
    });
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
    const path = join(folder, FORMATS[format]!);
    execFileSync('python3', [PEER, 'write', format, path, join(folder, 'manifest.json')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return path;
  }

  // Colour JPEG, and grey PNG with metric poses; compressed and raw images in every form.
  for (const [set, filter, formats] of [
    ['gardens_point', 'night_right', Object.keys(FORMATS)],
    ['nakamura_campus_robot', '', Object.keys(FORMATS)],
  ] as const) {
    for (const format of formats) {
      it(`${format} of ${set}: stamps, order and pixels are those that were recorded`, async function () {
        const drive = await readDrive(sharedPath(this, 'data', set), filter);
        const bag = await openBag(writeByPeer(format, drive));
        const seen: Record<string, unknown[]> = { '/camera/compressed': [], '/camera/image_raw': [], '/pose': [] };
        for await (const item of bag.messages()) {
          assert.ok(!isBagProblem(item));
          const { name } = item.topic;
          if (name === '/pose') {
            const { stampNs, pose } = parsePositionSample(item)!;
            seen[name]!.push([item.logTimeNs, stampNs, pose!.x, pose!.y]);
            continue;
          }
          const frame = parseCameraFrame(item);
          const pixels = await decodeFrame(frame);
          assert.ok(!isFrameProblem(pixels));
          seen[name]!.push([
            item.logTimeNs,
            frame.stampNs,
            frame.frameId,
            pixels.width,
            pixels.height,
            sha256(pixels.data),
          ]);
        }
        await bag.close();
        const images = drive.map(({ stampNs, pixels }) => {
          return [stampNs + LOG_DELAY_NS, stampNs, 'camera', pixels.width, pixels.height, sha256(pixels.data)];
        });
        assert.deepEqual(seen, {
          '/camera/compressed': images,
          '/camera/image_raw': images,
          '/pose': drive.map(({ stampNs, x, y }) => [stampNs + LOG_DELAY_NS, stampNs, x, y]),
        });
      });
    }
  }

  for (const format of ['ros1', 'ros1-lz4', 'ros1-bz2']) {
    it(`${format} whose recorder died before it wrote the index: all the same`, async function () {
      const drive = await readDrive(sharedPath(this, 'data', 'nakamura_campus_robot'), '');
      const path = writeByPeer(format, drive);
      const bytes = readFileSync(path);
      const indexPosition = Number(bytes.readBigUInt64LE(bytes.indexOf('index_pos=') + 'index_pos='.length));
      writeFileSync(path, bytes.subarray(0, indexPosition));
      const bag = await openBag(path);
      const stamps: bigint[] = [];
      for await (const item of bag.messages(['/camera/compressed'])) {
        if (!isBagProblem(item)) stamps.push(parseCameraFrame(item).stampNs);
      }
      await bag.close();
      assert.match(bag.description, /without an index/);
      assert.deepEqual(
        stamps,
        drive.map(({ stampNs }) => stampNs),
      );
    });
  }

  it('a drive recorded by another program becomes geotagged images', async function () {
    const drive = await readDrive(sharedPath(this, 'data', 'nakamura_campus_robot'), '');
    const path = writeByPeer('rosbag2-mcap-zstd', drive);
    const found: [bigint, number, number][] = [];
    for await (const item of await openBagSource(path, { imageTopic: '/camera/compressed' })) {
      assert.ok(!isDatasetProblem(item));
      found.push([item.stampNs!, item.local!.x, item.local!.y]);
      const { yawRad } = drive[found.length - 1]!;
      assert.ok(Math.abs(Math.sin((item.yawRad! - yawRad) / 2)) < 1e-9);
    }
    assert.deepEqual(
      found,
      drive.map(({ stampNs, x, y }) => [stampNs, x, y]),
    );
  });

  for (const [reader, name, compression] of [
    ['mcap', 'ours.mcap', 'none'],
    ['mcap', 'ours.mcap', 'zstd'],
    ['rosbags', 'ours', 'none'],
    ['rosbags', 'ours', 'zstd'],
  ] as const) {
    it(`ours (${compression}) is read by PyPI ${reader}, by the schemas in the file alone`, async function () {
      const drive = await readDrive(sharedPath(this, 'data', 'nakamura_campus_robot'), '');
      const path = join(folder, name);
      const writer = await createRecordingWriter(path, { compression });
      for (const { stampNs, bytes, format, x, y } of drive) {
        const header = { stamp: toRosTime(stampNs), frame_id: 'camera' };
        await writer.write('/image', 'sensor_msgs/msg/CompressedImage', stampNs, { header, format, data: bytes });
        await writer.write('/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses', stampNs, hypothesesAt(header, x, y));
      }
      await writer.close();
      const lines = execFileSync('python3', [PEER, 'read', path], { encoding: 'utf8' }).trimEnd().split('\n');
      const read = lines.map((line) => JSON.parse(line) as PeerMessage);
      assert.deepEqual(
        read
          .filter(({ topic }) => topic === '/image')
          .map(({ log_ns, message }) => [log_ns, message.format, message.data]),
        drive.map(({ stampNs, format, bytes }) => [String(stampNs), format, sha256(bytes)]),
      );
      const poses = read.filter(({ topic }) => topic === '/hypotheses').map(({ message }) => message.hypotheses![0]!);
      assert.deepEqual(
        poses.map(({ place_id, verification, pose }) => [place_id, verification, pose.pose.position]),
        drive.map(({ x, y }) => [7, null, { x, y, z: 0 }]),
      );
    });
  }
});

interface PeerMessage {
  readonly topic: string;
  readonly log_ns: string;
  readonly message: {
    readonly format?: string;
    readonly data?: string;
    readonly hypotheses?: readonly {
      readonly place_id: number;
      readonly verification: number | null;
      readonly pose: { readonly pose: { readonly position: unknown } };
    }[];
  };
}

function hypothesesAt(
  header: RosMessages['netvlad_localizer/msg/PlaceHypotheses']['header'],
  x: number,
  y: number,
): RosMessages['netvlad_localizer/msg/PlaceHypotheses'] {
  const pose = { position: { x, y, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };
  return {
    ...{ header, map_id: 'm', model_id: 'd', state: 2, confidence: 1, reason: '' },
    hypotheses: [
      {
        ...{ rank: 0, place_id: 7n, image: 'a.jpg', similarity: 1, verification: Number.NaN, probability: 1 },
        pose: { pose, covariance: new Float64Array(36) },
        ...{ latitude: Number.NaN, longitude: Number.NaN, altitude: Number.NaN, database_stamp: toRosTime(0n) },
      },
    ],
  };
}
