/** @file A recorded drive as geotagged images: topics found or refused, poses interpolated, carried to the camera, thinned. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countLostImages, isDatasetProblem, type GeotaggedImage } from '../../src/datasets/GeotaggedImage.ts';
import { FrameTree } from '../../src/bags/FrameTree.ts';
import type { KeyframeRule } from '../../src/bags/KeyframeRule.ts';
import { createMcapWriter } from '../../src/bags/McapRecordingWriter.ts';
import { openBagSource, type BagSourceSettings } from '../../src/bags/openBagSource.ts';
import { PoseTrack } from '../../src/bags/PoseTrack.ts';
import type { PositionSample } from '../../src/bags/parseMessages.ts';
import { NetvladError } from '../../src/errors.ts';
import { planarPose, yawOf } from '../../src/geo/poseAlgebra.ts';
import { sharedPath } from '../support/sharedData.ts';
import { findRos2Definition } from '../../src/bags/messageDefinitions.ts';
import { CAMERA, driveMessages, encodeCdr, ODOM, writeMcap } from './support/driveFixture.ts';
import { fixMessage, header, imageMessage, odometryMessage } from './support/rosMessageBuilders.ts';

const SECOND = 1_000_000_000n;
/** Optical axes of a camera that looks along the body's x: R(optical -> body) as a quaternion, REP-103. */
const LOOKS_FORWARD = { x: -0.5, y: 0.5, z: -0.5, w: 0.5 };

interface Drive {
  readonly images: readonly bigint[];
  readonly odometry?: readonly {
    readonly stampNs: bigint;
    readonly x: number;
    readonly y: number;
    readonly yaw: number;
  }[];
  readonly fixes?: readonly { readonly stampNs: bigint; readonly lat: number; readonly lon: number }[];
  readonly mount?: { readonly x: number; readonly y: number; readonly z: number };
  readonly secondCamera?: boolean;
}

async function writeDrive(path: string, drive: Drive): Promise<void> {
  const writer = await createMcapWriter(path);
  if (drive.mount !== undefined) {
    await writer.write('/tf_static', 'tf2_msgs/msg/TFMessage', 0n, {
      transforms: [
        {
          header: header(0n, 'base_link'),
          child_frame_id: 'camera_optical_frame',
          transform: { translation: drive.mount, rotation: LOOKS_FORWARD },
        },
      ],
    });
  }
  for (const stampNs of drive.images) {
    const image = { ...imageMessage(stampNs), header: header(stampNs, 'camera_optical_frame') };
    await writer.write('/image', 'sensor_msgs/msg/Image', stampNs, image);
    if (drive.secondCamera === true) await writer.write('/rear', 'sensor_msgs/msg/Image', stampNs, image);
  }
  for (const { stampNs, x, y, yaw } of drive.odometry ?? []) {
    await writer.write('/odom', 'nav_msgs/msg/Odometry', stampNs, odometryMessage(stampNs, x, y, yaw));
  }
  for (const { stampNs, lat, lon } of drive.fixes ?? []) {
    await writer.write('/fix', 'sensor_msgs/msg/NavSatFix', stampNs, fixMessage(stampNs, lat, lon));
  }
  await writer.close();
}

describe('openBagSource', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-drive-'));
    path = join(folder, 'drive.mcap');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  async function readDrive(
    drive: Drive,
    settings: BagSourceSettings = {},
  ): Promise<{ images: GeotaggedImage[]; problems: string[] }> {
    await writeDrive(path, drive);
    const images: GeotaggedImage[] = [];
    const problems: string[] = [];
    for await (const item of await openBagSource(path, settings)) {
      if (isDatasetProblem(item)) problems.push(item.problem);
      else images.push(item);
    }
    return { images, problems };
  }

  it('interpolates odometry at the image stamp, whatever the order in the file', async () => {
    const { images } = await readDrive({
      images: [SECOND, (SECOND * 3n) / 2n],
      odometry: [
        { stampNs: SECOND, x: 0, y: 0, yaw: Math.PI - 0.2 },
        { stampNs: 2n * SECOND, x: 4, y: -2, yaw: -Math.PI + 0.2 },
      ],
    });
    assert.deepEqual(
      images.map(({ name, stampNs, sequence, frame }) => [name, stampNs, sequence, frame]),
      [
        ['/image@1000000000', SECOND, 'drive.mcap', 0],
        ['/image@1500000000', 1_500_000_000n, 'drive.mcap', 1],
      ],
    );
    assert.deepEqual(images[1]!.local, { x: 2, y: -1, z: 0 });
    // Half-way between pi - 0.2 and -pi + 0.2 the short way is pi.
    assert.ok(Math.abs(Math.abs(images[1]!.yawRad!) - Math.PI) < 1e-9);
    assert.equal(images[1]!.content.kind === 'frame' && images[1]!.content.frame.data.length, 24);
  });

  it('carries the pose from the body to the camera, turned out of the optical axes', async () => {
    const { images } = await readDrive({
      images: [SECOND],
      odometry: [{ stampNs: SECOND, x: 10, y: 20, yaw: Math.PI / 2 }],
      mount: { x: 1, y: 0.5, z: 2 },
    });
    const { local, yawRad } = images[0]!;
    // The body looks north: 1 m forward is +y, 0.5 m to the left is -x.
    const expected = { x: 9.5, y: 21, z: 2 };
    for (const axis of ['x', 'y', 'z'] as const) assert.ok(Math.abs(local![axis] - expected[axis]) < 1e-9, axis);
    assert.ok(Math.abs(yawRad! - Math.PI / 2) < 1e-9, `yaw ${yawRad}`);
  });

  it('takes heading and lever arm of a fix from the direction of travel', async () => {
    const fixes = [0n, 1n, 2n, 3n].map((i) => ({ stampNs: (i + 1n) * SECOND, lat: 43 + Number(i) * 1e-4, lon: 11 }));
    const { images } = await readDrive({ images: [2n * SECOND], fixes });
    // 1e-4 degrees of latitude a second are 11 m a second to the north.
    assert.ok(Math.abs(images[0]!.yawRad! - Math.PI / 2) < 1e-6);
    assert.ok(Math.abs(images[0]!.geo!.latDeg - 43.0001) < 1e-9);
    assert.equal(images[0]!.positionSigmaM, 2);
  });

  it('keeps an image when the drive went on, turned, or took its time', async () => {
    const odometry = Array.from({ length: 41 }, (_, i) => ({
      ...{ stampNs: SECOND + (BigInt(i) * SECOND) / 10n, x: Math.min(i, 20) * 0.1, y: 0 },
      yaw: i <= 20 ? 0 : (i - 20) * 0.05,
    }));
    const images = odometry.map(({ stampNs }) => stampNs);
    const keep = async (rule: { distanceM?: number; turnRad?: number; intervalS?: number }): Promise<number[]> => {
      const keyframes = { distanceM: null, turnRad: null, intervalS: null, ...rule };
      const read = await readDrive({ images, odometry }, { keyframes });
      return read.images.map(({ stampNs }) => Math.round(Number(stampNs! - SECOND) / 1e8));
    };
    assert.deepEqual(await keep({ distanceM: 0.95 }), [0, 10, 20]);
    assert.deepEqual(await keep({ turnRad: 0.49 }), [0, 30, 40]);
    assert.deepEqual(await keep({ intervalS: 1.5 }), [0, 15, 30]);
    assert.deepEqual(await keep({ distanceM: 0.95, turnRad: 0.49 }), [0, 10, 20, 30, 40]);
  });

  it('leaves out images that no position is near in time, and says how many', async () => {
    const { images, problems } = await readDrive({
      images: [SECOND, 5n * SECOND, 20n * SECOND],
      odometry: [
        { stampNs: SECOND, x: 0, y: 0, yaw: 0 },
        { stampNs: 10n * SECOND, x: 9, y: 0, yaw: 0 },
      ],
    });
    assert.equal(images.length, 1);
    assert.match(problems.join(), /Left out: 2 images that no position is near in time/);
  });

  it('gives images of a recording without positions in their order', async () => {
    const usualKeyframes = { distanceM: 5, turnRad: null, intervalS: null };
    const { images } = await readDrive({ images: [SECOND, 2n * SECOND] }, { usualKeyframes });
    assert.deepEqual(
      images.map(({ frame, geo, local, yawRad }) => [frame, geo, local, yawRad]),
      [
        [0, null, null, null],
        [1, null, null, null],
      ],
    );
  });

  it('thins a recording without positions by time, and refuses to do it by what positions would tell', async () => {
    const drive: Drive = { images: [1n, 2n, 3n, 4n].map((second) => second * SECOND) };
    const rule = { distanceM: null, turnRad: null, intervalS: null };
    const { images } = await readDrive(drive, { keyframes: { ...rule, intervalS: 2 } });
    assert.deepEqual(
      images.map(({ stampNs }) => stampNs! / SECOND),
      [1n, 3n],
    );
    const refused: readonly [Partial<KeyframeRule>, RegExp][] = [
      [{ distanceM: 5 }, /has no position topic .*, as --keyframe-distance must know/],
      [{ turnRad: 1, intervalS: 2 }, /, as --keyframe-turn must know/],
      [{ distanceM: 5, turnRad: 1 }, /, as --keyframe-distance and --keyframe-turn must know/],
    ];
    for (const [asked, message] of refused) {
      await assert.rejects(readDrive(drive, { keyframes: { ...rule, ...asked } }), (error) => {
        assert.ok(error instanceof NetvladError && error.code === 'bad-input');
        assert.match(error.message, message);
        assert.match(error.hint!, /--keyframe-interval/);
        return true;
      });
    }
  });

  it('lists the candidates when the topic is not unique, and takes the one that is named', async () => {
    const drive: Drive = { images: [SECOND], odometry: [{ stampNs: SECOND, x: 0, y: 0, yaw: 0 }], secondCamera: true };
    await assert.rejects(readDrive(drive), (error: Error & { hint?: string }) => {
      assert.match(error.message, /2 topics that may be the camera topic/);
      assert.match(error.hint!, /--image-topic: \/image \(sensor_msgs\/msg\/Image\), \/rear/);
      return true;
    });
    const { images } = await readDrive(drive, { imageTopic: '/rear' });
    assert.equal(images[0]!.name, '/rear@1000000000');
    await assert.rejects(readDrive(drive, { imageTopic: '/odom' }), /\/odom of .* holds nav_msgs\/msg\/Odometry/);
  });

  it('reads a topic of several channels as one: definitions that differ in a comment, images raw and compressed, strangers', async () => {
    const drive = driveMessages();
    const comment = (text: string): string => `# of another distribution\n${text}`;
    const [image, odometry] = [CAMERA, ODOM].map((name) => drive.find(({ topic }) => topic === name)!);
    const schema = comment(findRos2Definition(image!.type)!.text);
    const half = drive.map((message, i) =>
      message.topic === CAMERA && i % 2 === 0 ? { ...message, schema } : message,
    );
    const compressed = { header: header(drive.at(-1)!.logTimeNs), format: 'png', data: Uint8Array.of(1, 2, 3) };
    const type = 'sensor_msgs/msg/CompressedImage';
    const last = { ...drive.at(-1)!, topic: CAMERA, type, data: encodeCdr(type, compressed) };
    await writeMcap(path, [...half, last, { ...odometry!, topic: CAMERA, logTimeNs: last.logTimeNs + 1n }]);
    const source = await openBagSource(path, { positionTopic: ODOM });
    assert.equal(source.count, 11);
    const kinds: string[] = [];
    for await (const item of source) {
      assert.ok(!isDatasetProblem(item));
      kinds.push(item.content.kind === 'frame' ? item.content.frame.kind : item.content.kind);
    }
    assert.deepEqual(kinds, [...Array.from({ length: 10 }, () => 'raw'), 'compressed']);
  });

  it('reads a standard message by its bundled definition where that of the recording is damaged', async () => {
    const damaged = ['garbage {{', 'std_msgs/Header header\nPose pose\n'];
    for (const schema of damaged) {
      const messages = driveMessages().map((each) => (each.topic === ODOM ? { ...each, schema } : each));
      await writeMcap(path, messages);
      let placed = 0;
      for await (const item of await openBagSource(path)) {
        assert.ok(!isDatasetProblem(item));
        if (item.local !== null) placed++;
      }
      assert.equal(placed, 10);
    }
  });

  it('says of a definition that is another one what is wrong with it', async () => {
    await writeMcap(
      path,
      driveMessages().map((each) => (each.topic === ODOM ? { ...each, schema: 'float32 x' } : each)),
    );
    const problems: string[] = [];
    for await (const item of await openBagSource(path)) if (isDatasetProblem(item)) problems.push(item.problem);
    assert.equal(
      problems[0],
      'A message cannot be used: by its definition in the recording it lacks fields of nav_msgs/msg/Odometry.',
    );
  });

  it('places no image within a jump of the positions, tells it, and counts the images that it costs', async () => {
    const odometry = [0, 1, 2, 3, 4].map((i) => ({
      stampNs: BigInt(i) * SECOND,
      x: i < 3 ? i * 100 : 5000 + i,
      y: 0,
      yaw: 0,
    }));
    const images = [SECOND / 2n, (SECOND * 5n) / 2n, (SECOND * 7n) / 2n];
    await writeDrive(path, { images, odometry });
    const items = [];
    for await (const item of await openBagSource(path)) items.push(item);
    const [problems, placed] = [items.filter(isDatasetProblem), items.filter((item) => !isDatasetProblem(item))];
    assert.deepEqual(
      placed.map((item) => 'local' in item && item.local!.x),
      [50, 5003.5],
    );
    assert.match(
      problems[0]!.problem,
      /^1 jump in the positions, the first by 4803 m within 1\.00 s at 3\.000000000 s: /,
    );
    assert.match(problems[1]!.problem, /^Left out: 1 image that no position is near/);
    assert.equal(countLostImages(problems), 1);
  });

  it('takes latitude 0, longitude 0 for no position', async () => {
    const fixes = [0n, 1n, 2n].map((i) => ({ stampNs: i * SECOND, lat: i === 0n ? 0 : 43, lon: i === 0n ? 0 : 11 }));
    const { images, problems } = await readDrive({ images: [SECOND], fixes });
    assert.equal(images[0]!.geo!.latDeg, 43);
    assert.deepEqual(problems, [
      'A message cannot be used: latitude 0, longitude 0 is what a receiver without a fix says.',
    ]);
  });

  it('does not place an image whose stamp is that of the one before, and says how many', async () => {
    const odometry = [0n, 1n, 2n].map((i) => ({ stampNs: i * SECOND, x: Number(i) * 5, y: 0, yaw: 0 }));
    const unstamped = await readDrive({ images: [0n, 0n, 0n], odometry });
    assert.equal(unstamped.images.length, 1);
    assert.deepEqual(unstamped.problems, [
      'Left out: 2 images stamped as the one before (0: the driver does not fill in header.stamp): a place is looked up by the stamp.',
    ]);
    const twice = await readDrive({ images: [0n, SECOND, SECOND, 2n * SECOND], odometry });
    assert.deepEqual(
      twice.images.map(({ local }) => local!.x),
      [0, 5, 10],
    );
    assert.match(twice.problems.join(), /^Left out: 1 image stamped as the one before: a place/);
    const unplaced = await readDrive({ images: [0n, 0n, 0n] });
    assert.equal(unplaced.images.length, 3, 'without positions the order is all there is');
  });

  it('refuses a JSON recording with the reason', async function () {
    const json = sharedPath(this, 'data', 'bags', 'lichtblick_camera_json.mcap');
    await assert.rejects(openBagSource(json), (error: Error & { hint?: string }) => {
      assert.match(error.message, /has no camera topic/);
      assert.match(error.hint!, /encoded as json cannot be read; CDR \(ROS 2\) and the ROS 1 encoding can/);
      return true;
    });
  });

  it('reads a ROS 1 recording of a real robot', async function () {
    const bag = sharedPath(this, 'data', 'bags', 'kapture_t265_office.bag');
    const images: GeotaggedImage[] = [];
    for await (const item of await openBagSource(bag, { imageTopic: '/camera/fisheye1/image_raw' })) {
      assert.ok(!isDatasetProblem(item));
      images.push(item);
    }
    assert.equal(images.length, 3);
    const [first] = images;
    assert.equal(first!.stampNs, 1_553_180_224_360_915_899n);
    assert.ok(first!.content.kind === 'frame' && first!.content.frame.kind === 'raw');
    const { width, height, encoding } = first!.content.frame;
    assert.deepEqual([width, height, encoding], [848, 800, 'mono8']);
    assert.ok(Math.hypot(first!.local!.x - 3.898, first!.local!.y - 0.631) < 0.01);
  });
});

describe('PoseTrack', () => {
  const at = (seconds: number, x: number): PositionSample => ({
    ...{ stampNs: BigInt(seconds * 10) * (SECOND / 10n), geo: null, pose: planarPose(x, 0, 0) },
    ...{ frameId: 'odom', bodyFrameId: null, sigmaM: null, covariance: null },
  });
  const track = new PoseTrack([at(10, 10), at(1, 1), at(2, 2)], 3n * SECOND);

  const cases: readonly [number, number | null][] = [
    [1, 1], // on a sample
    [1.5, 1.5], // between two
    [5, null], // in a gap of eight seconds
    [0.8, 1], // just before the first
    [0.5, null], // long before it
    [10.3, 10], // just after the last
    [10.4, null],
  ];
  for (const [seconds, x] of cases) {
    it(`at ${seconds} s: ${x === null ? 'unknown' : `x = ${x}`}`, () => {
      const point = track.at(BigInt(Math.round(seconds * 10)) * (SECOND / 10n));
      assert.equal(point === null ? null : point.pose!.x, x);
    });
  }
});

describe('FrameTree', () => {
  it('joins frames through their common ancestor, and nothing else', () => {
    const frames = new FrameTree();
    frames.add({ parent: 'base', child: 'mast', parentFromChild: planarPose(1, 0, Math.PI / 2) });
    frames.add({ parent: 'mast', child: 'camera', parentFromChild: planarPose(1, 0, 0) });
    frames.add({ parent: 'base', child: 'gps', parentFromChild: planarPose(0, 2, 0) });
    frames.add({ parent: 'other', child: 'stray', parentFromChild: planarPose(0, 0, 0) });
    const gpsFromCamera = frames.lookup('gps', '/camera')!;
    assert.ok(Math.hypot(gpsFromCamera.x - 1, gpsFromCamera.y + 1) < 1e-12);
    assert.ok(Math.abs(yawOf(gpsFromCamera) - Math.PI / 2) < 1e-12);
    assert.equal(frames.lookup('base', 'stray'), null);
  });
});
