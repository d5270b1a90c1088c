/** @file The writer's files, read back with the libraries alone: schema from the file, decoder from the schema. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@foxglove/rosmsg';
import { MessageReader } from '@foxglove/rosmsg2-serialization';
import { McapIndexedReader } from '@mcap/core';
import { FileHandleReadable } from '@mcap/nodejs';
import { loadDecompressHandlers } from '@mcap/support';
import { parseCompressedImageCdr, parseImageCdr } from '../../src/bags/cdrImages.ts';
import { isBagProblem } from '../../src/bags/BagSource.ts';
import { createMcapWriter } from '../../src/bags/McapRecordingWriter.ts';
import type { RosMessages } from '../../src/bags/messages.ts';
import { openBag } from '../../src/bags/openBag.ts';
import { NetvladError } from '../../src/errors.ts';
import type { RecordingWriter } from '../../src/bags/RecordingWriter.ts';
import { parseRosTime, toRosTime } from '../../src/bags/rosTime.ts';
import { encodeRos1, writeRos1 } from './support/ros1Fixture.ts';
import { fixMessage, header, imageMessage, odometryMessage } from './support/rosMessageBuilders.ts';

interface ReadBack {
  readonly topic: string;
  readonly type: string;
  readonly logTimeNs: bigint;
  readonly data: Uint8Array;
  readonly message: unknown;
}

async function readBack(path: string): Promise<ReadBack[]> {
  const file = await open(path);
  try {
    const readable = new FileHandleReadable(file);
    const reader = await McapIndexedReader.Initialize({ readable, decompressHandlers: await loadDecompressHandlers() });
    const found: ReadBack[] = [];
    for await (const message of reader.readMessages({ validateCrcs: true })) {
      const channel = reader.channelsById.get(message.channelId)!;
      const schema = reader.schemasById.get(channel.schemaId)!;
      const definitions = parse(new TextDecoder().decode(schema.data), { ros2: true });
      found.push({
        topic: channel.topic,
        type: schema.name,
        logTimeNs: message.logTime,
        data: message.data,
        message: new MessageReader(definitions).readMessage(message.data),
      });
    }
    return found;
  } finally {
    await file.close();
  }
}

async function copyAll(path: string, writer: RecordingWriter): Promise<void> {
  const bag = await openBag(path);
  for await (const item of bag.messages()) {
    assert.ok(!isBagProblem(item));
    await writer.copy(item);
  }
  await bag.close();
}

/** What a reader returns for what was written: arrays of numbers come back as typed arrays. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

const hypotheses: RosMessages['netvlad_localizer/msg/PlaceHypotheses'] = {
  header: header(3n, 'map'),
  map_id: 'm1',
  model_id: 'abc',
  state: 2,
  confidence: 0.5,
  reason: '',
  hypotheses: [
    {
      rank: 0,
      place_id: 9_007_199_254_740_993n,
      image: 'a.jpg',
      similarity: 0.75,
      verification: Number.NaN,
      probability: 0.5,
      pose: odometryMessage(0n, 1, 2, 0.5).pose,
      latitude: 43.1,
      longitude: 11.2,
      altitude: Number.NaN,
      database_stamp: toRosTime(-1n),
    },
  ],
};

describe('McapRecordingWriter', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-mcap-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  for (const compression of ['none', 'zstd'] as const) {
    it(`writes messages that a reader who knows only the file understands (compression ${compression})`, async () => {
      const path = join(folder, 'new', 'drive.mcap');
      const writer = await createMcapWriter(path, { compression, chunkSizeBytes: 200 });
      const written = [
        ['/camera', 'sensor_msgs/msg/Image', 1n, imageMessage(1n)],
        ['/odom', 'nav_msgs/msg/Odometry', 2n, odometryMessage(2n, 1.5, -2, 0.25)],
        ['/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses', 3n, hypotheses],
        ['/fix', 'sensor_msgs/msg/NavSatFix', 1_700_000_000_123_456_789n, fixMessage(4n, 43, 11)],
      ] as const;
      for (const [topic, type, logTimeNs, message] of written) await writer.write(topic, type, logTimeNs, message);
      assert.equal(existsSync(path), false, 'nothing is at the final name before close');
      await writer.close();

      const found = await readBack(path);
      assert.deepEqual(
        found.map(({ topic, type, logTimeNs, message }) => [topic, type, logTimeNs, plain(message)]),
        written.map(([topic, type, logTimeNs, message]) => [topic, type, logTimeNs, plain(message)]),
      );
    });
  }

  it('copies messages of other recordings: CDR byte for byte, ROS 1 as their ROS 2 counterparts', async () => {
    const [source, path] = [join(folder, 'drive.bag'), join(folder, 'copy.mcap')];
    const stamp = { sec: 5, nsec: 7 };
    const info = {
      ...{ header: { seq: 3, stamp, frame_id: 'camera' }, height: 480, width: 640, distortion_model: 'plumb_bob' },
      ...{
        D: [0.1, 0.2],
        K: [1, 2, 3, 4, 5, 6, 7, 8, 9],
        R: new Array<number>(9).fill(0),
        P: new Array<number>(12).fill(1),
      },
      ...{ binning_x: 0, binning_y: 0 },
      roi: { x_offset: 1, y_offset: 2, height: 3, width: 4, do_rectify: true },
    };
    const type = 'sensor_msgs/msg/CameraInfo';
    writeRos1(source, [{ topic: '/camera_info', type, logTimeNs: 9n, data: encodeRos1(type, info) }]);
    const writer = await createMcapWriter(path);
    const fix = fixMessage(4n, 43, 11);
    await writer.write('/fix', 'sensor_msgs/msg/NavSatFix', 1n, fix);
    await copyAll(source, writer);
    await writer.close();
    const again = await createMcapWriter(join(folder, 'again.mcap'));
    await copyAll(path, again);
    await again.close();

    const [first, second] = [await readBack(path), await readBack(again.path)];
    assert.deepEqual(
      second.map(({ topic, data }) => [topic, [...data]]),
      first.map(({ topic, data }) => [topic, [...data]]),
    );
    const { D: d, K: k, R: r, P: p, header: head, ...rest } = info;
    assert.deepEqual(plain(second.find(({ topic }) => topic === '/camera_info')!.message), {
      ...{ header: { stamp: { sec: 5, nanosec: 7 }, frame_id: head.frame_id }, ...rest, d, k, r, p },
    });
  });

  it('leaves nothing when abandoned', async () => {
    const writer = await createMcapWriter(join(folder, 'drive.mcap'));
    await writer.write('/camera', 'sensor_msgs/msg/Image', 1n, imageMessage(1n));
    await writer.abandon();
    assert.deepEqual(readdirSync(folder), []);
  });

  it('gives up on a full disk, naming the file, and leaves nothing', async () => {
    const path = join(folder, 'drive.mcap');
    symlinkSync('/dev/full', `${path}.partial`);
    await assert.rejects(createMcapWriter(path), (error) => {
      assert.ok(error instanceof NetvladError && error.message.startsWith(`${path} cannot be written: ENOSPC`));
      return true;
    });
    assert.deepEqual(readdirSync(folder), []);
  });

  describe('what it may replace', () => {
    const path = (): string => join(folder, 'drive.mcap');
    const header = (library: string): Buffer => {
      const text = (value: string): Buffer => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(value.length);
        return Buffer.concat([length, Buffer.from(value)]);
      };
      const content = Buffer.concat([text('ros2'), text(library)]);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(content.length));
      return Buffer.concat([Buffer.from('\x89MCAP0\r\n', 'latin1'), Buffer.from([1]), length, content]);
    };

    for (const [what, content] of [
      ['a recording of rosbag2', header('libmcap 1.3.1')],
      ['a recording of an unnamed writer', header('')],
      ['a photo', Buffer.from([0xff, 0xd8, 0xff, 0xe0])],
    ] as const) {
      it(`refuses ${what}, and leaves it as it is`, async () => {
        writeFileSync(path(), content);
        await assert.rejects(createMcapWriter(path()), {
          name: 'NetvladError',
          code: 'bad-input',
          message: `${path()} exists and was not written by netvlad.`,
        });
        assert.deepEqual(readFileSync(path()), content);
        assert.deepEqual(readdirSync(folder), ['drive.mcap']);
      });
    }

    it('refuses a pipe without waiting for it: a device would not survive being replaced', async () => {
      execFileSync('mkfifo', [path()]);
      await assert.rejects(createMcapWriter(path()), /drive\.mcap exists and is no file/);
      assert.ok(lstatSync(path()).isFIFO());
    });

    it('replaces what it wrote itself, and an empty file', async () => {
      writeFileSync(path(), '');
      for (const stampNs of [1n, 2n]) {
        const writer = await createMcapWriter(path());
        await writer.write('/a', 'sensor_msgs/msg/NavSatFix', stampNs, fixMessage(stampNs, 0, 0));
        await writer.close();
      }
      const messages = await readBack(path());
      assert.deepEqual(
        messages.map(({ logTimeNs }) => logTimeNs),
        [2n],
      );
    });
  });

  it('refuses a second type on a topic, naming both', async () => {
    const writer = await createMcapWriter(join(folder, 'drive.mcap'));
    await writer.write('/a', 'sensor_msgs/msg/NavSatFix', 1n, fixMessage(1n, 0, 0));
    await assert.rejects(
      writer.write('/a', 'sensor_msgs/msg/Image', 2n, imageMessage(2n)),
      /\/a holds sensor_msgs\/msg\/NavSatFix; it cannot take a sensor_msgs\/msg\/Image/,
    );
    await writer.abandon();
  });

  it('images parse the same by the short cut and by the general reader', async () => {
    const path = join(folder, 'images.mcap');
    const writer = await createMcapWriter(path);
    for (const frameId of ['', 'c', 'ca', 'cam', 'came']) {
      const image = { ...imageMessage(5_000_000_007n), header: header(5_000_000_007n, frameId) };
      await writer.write('/raw', 'sensor_msgs/msg/Image', 1n, image);
      const { data } = image;
      const compressed = { header: image.header, format: `jpeg${frameId}`, data };
      await writer.write('/jpeg', 'sensor_msgs/msg/CompressedImage', 1n, compressed);
    }
    await writer.close();
    const found = await readBack(path);
    assert.equal(found.length, 10);
    for (const { topic, data, message } of found) {
      if (topic === '/raw') {
        const general = message as RosMessages['sensor_msgs/msg/Image'];
        const frame = parseImageCdr(data);
        assert.deepEqual(
          [frame.stampNs, frame.frameId, frame.width, frame.height, frame.encoding, frame.step, [...frame.data]],
          [5_000_000_007n, general.header.frame_id, 4, 2, 'rgb8', 12, [...general.data]],
        );
      } else {
        const general = message as RosMessages['sensor_msgs/msg/CompressedImage'];
        const frame = parseCompressedImageCdr(data);
        assert.deepEqual(
          [frame.stampNs, frame.frameId, frame.format, [...frame.data]],
          [parseRosTime(general.header.stamp), general.header.frame_id, general.format, [...general.data]],
        );
      }
      for (let cut = 0; cut < data.length; cut++) {
        const parser = topic === '/raw' ? parseImageCdr : parseCompressedImageCdr;
        assert.throws(() => parser(data.subarray(0, cut)), RangeError, `cut at ${cut} of ${data.length}`);
      }
    }
  });
});
