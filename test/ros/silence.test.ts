/** @file Every silent failure speaks: each is provoked on a real graph, and its message and cure are read from /diagnostics. */
import assert from 'node:assert/strict';
import { LEVEL, listenToDiagnostics, untilSaid, untilStatus } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer, type Message } from './support/RosPeer.ts';
import { reliable, whilePublishing } from './support/whilePublishing.ts';

const IMAGE = 'sensor_msgs/msg/Image';
const SIZE = { width: 64, height: 48 };

function now(offsetS = 0): Message {
  const ms = Date.now() + 1000 * offsetS;
  return { sec: Math.floor(ms / 1000), nanosec: Math.floor(ms % 1000) * 1_000_000 };
}

function imageOf(changes: Message = {}): Message {
  const header = { stamp: now(), frame_id: 'camera' };
  return { header, ...SIZE, encoding: 'rgb8', step: 3 * SIZE.width, is_bigendian: 0, ...changes };
}

/** Out of focus: nothing finer than the whole picture. */
function blurred(): string {
  const pixels = Buffer.alloc(640 * 480 * 3);
  for (let i = 0; i < pixels.length; i++) {
    const [x, y] = [Math.floor(i / 3) % 640, Math.floor(i / (3 * 640))];
    pixels[i] = 128 + 60 * Math.sin(x / 200) + 40 * Math.cos(y / 150);
  }
  return pixels.toString('base64');
}

/** As base64, what a flat image holds. */
function flat(value: number): string {
  return Buffer.alloc(SIZE.width * SIZE.height * 3, value).toString('base64');
}

describeOnGraph('silence explained', () => {
  let town: PaintedTown;
  let peer: RosPeer;
  let node: NodeProcess;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    await listenToDiagnostics(peer);
    node = await NodeProcess.active({
      parameters: {
        ...town.parameters,
        ...reliable('/image'),
        'diagnostic_updater.period': 0.25,
        expected_rate: 30.0,
      },
    });
  });

  after(async () => {
    assert.ok(node.isAlive, node.log);
    assert.equal((await node.end()).code, 0);
    await peer.stop();
    await town.remove();
  });

  /** In the log, as a warning or an error, and not again with every diagnosis. */
  async function assertLoggedOnce(level: 'WARN' | 'ERROR', text: string): Promise<void> {
    for (let i = 0; i < 3; i++) await untilStatus(peer, 'input', () => true);
    const lines = node.log.split('\n').filter((line) => line.includes(text));
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.ok(lines[0]!.includes(`[${level}]`), lines[0]);
  }

  it('no publisher: says so and how to remap, once in the log', async () => {
    const status = await untilSaid(peer, 'input', /Nobody publishes \/image\./);
    assert.equal(status.level, LEVEL.error);
    assert.match(status.message, /-r image:=/);
    await assertLoggedOnce('ERROR', 'Nobody publishes /image.');
  });

  it('only the compressed twin is published', async () => {
    await peer.advertise('/image/compressed', 'sensor_msgs/msg/CompressedImage');
    const status = await untilSaid(peer, 'input', /\/peer publishes \/image\/compressed/);
    assert.equal(status.level, LEVEL.error);
    assert.match(status.message, /Set image_transport to compressed/);
    await peer.unadvertise('/image/compressed');
  });

  it('a publisher of another type', async () => {
    // A process of its own: one participant may keep a topic's type for a while after its publisher has gone.
    const stranger = await RosPeer.start();
    await stranger.advertise('/image', 'geometry_msgs/msg/PoseStamped');
    const status = await untilSaid(peer, 'input', /publishes \/image as geometry_msgs\/msg\/PoseStamped/);
    assert.equal(status.level, LEVEL.error);
    assert.match(status.message, /this node needs sensor_msgs\/msg\/Image/);
    await assertLoggedOnce('ERROR', 'as geometry_msgs/msg/PoseStamped');
    await stranger.stop();
  });

  it('incompatible QoS: the policy and the peer', async () => {
    await peer.advertise('/image', IMAGE, { reliability: 'best_effort' });
    // With the peer's name: the endpoint is on the graph a moment before it.
    const status = await untilSaid(peer, 'input', /^\/peer publishes \/image with incompatible QoS/);
    assert.equal(status.level, LEVEL.error);
    assert.match(status.message, /reliability: it offers best effort, this node asks for reliable/);
    assert.match(status.message, /qos_overrides\.\/image\.subscription/);
    await assertLoggedOnce('ERROR', 'incompatible QoS');
    await peer.unadvertise('/image');
  });

  describe('with a publisher that matches', () => {
    before(async () => {
      await peer.advertise('/image', IMAGE);
      await peer.matched('/image');
      await peer.subscribe('/localizer/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses');
    });

    it('a camera that sends nothing', async () => {
      const status = await untilSaid(peer, 'input', /no image came/);
      assert.equal(status.level, LEVEL.error);
      assert.match(status.message, /FASTRTPS_DEFAULT_PROFILES_FILE/);
    });

    it('camera_info without images: lost in the middleware', async () => {
      await peer.advertise('/camera_info', 'sensor_msgs/msg/CameraInfo');
      await peer.matched('/camera_info');
      const info = (): Message => ({ header: { stamp: now(), frame_id: 'camera' } });
      const status = await whilePublishing(peer, { topic: '/camera_info', message: info }, () =>
        untilSaid(peer, 'input', /camera_info comes at .* but no image on \/image/),
      );
      assert.equal(status.level, LEVEL.error);
      assert.match(status.message, /Fast-DDS/);
      await peer.unadvertise('/camera_info');
    });

    it('a rate below the expected', async () => {
      const status = await whilePublishing(peer, { topic: '/image', message: () => imageOf({ data: flat(128) }) }, () =>
        untilSaid(peer, 'input', /expected 30 Hz/),
      );
      assert.equal(status.level, LEVEL.warn);
    });

    for (const [offsetS, where] of [
      [60, 'future'],
      [-60, 'past'],
    ] as const) {
      it(`stamps from the ${where}`, async () => {
        const image = (): Message => imageOf({ header: { stamp: now(offsetS), frame_id: 'camera' }, data: flat(128) });
        const status = await whilePublishing(peer, { topic: '/image', message: image }, () =>
          untilSaid(peer, 'input', new RegExp(`Image stamps are (59|60)\\.\\d s in the ${where}`)),
        );
        assert.equal(status.level, LEVEL.warn);
        assert.match(status.message, /Set use_sim_time and play with --clock\. .*Synchronise their clocks \(chrony\)/);
        await assertLoggedOnce('WARN', `s in the ${where} of the node's clock`);
      });
    }

    const unusable: readonly (readonly [string, Message, string, RegExp])[] = [
      ['black', { data: flat(2) }, 'The image is black', /lens cap/],
      ['covered', { data: flat(128) }, 'The image has no contrast', /camera covered/],
      ['blurred', { width: 640, height: 480, step: 1920, data: blurred() }, 'The image is blurred', /clean the lens/],
    ];
    for (const [what, changes, text, cure] of unusable) {
      it(`a camera that is ${what}`, async () => {
        const camera = { topic: '/image', message: () => imageOf(changes) };
        const status = await whilePublishing(peer, camera, () => untilSaid(peer, 'input', new RegExp(text)));
        assert.equal(status.level, LEVEL.warn);
        assert.match(status.message, cure);
      });
    }

    const good = SIZE.width * SIZE.height * 3;
    const malformed: readonly (readonly [string, Message, RegExp])[] = [
      ['unknown encoding', { encoding: 'rgb99', data: flat(9) }, /rgb99/],
      ['wrong step', { step: 10, data: flat(9) }, /step/],
      ['zero size', { width: 0, height: 0, step: 0 }, /0 x 0/],
      ['too little data', { data: Buffer.alloc(good - 1).toString('base64') }, /bytes/],
    ];
    for (const [what, changes, pattern] of malformed) {
      it(`an Image with ${what}: answered as lost, with the reason`, async () => {
        peer.forget('/localizer/hypotheses');
        await peer.publish('/image', imageOf(changes));
        const answer = await peer.until('/localizer/hypotheses', ({ reason }) => pattern.test(reason as string));
        assert.equal(answer.state, 0);
        assert.deepEqual(answer.hypotheses, []);
        const status = await untilSaid(peer, 'input', /cannot be used/);
        assert.equal(status.level, LEVEL.error);
        assert.match(status.message, pattern);
      });
    }

    it('is well again with a good frame', async () => {
      await peer.publish('/image', imageOf(), town.pixelFiles[0]);
      const status = await untilStatus(peer, 'input', ({ message }) => !message.includes('cannot be used'));
      assert.equal(status.values['frames unusable'], String(malformed.length));
      const counted = (key: string): number => Number(status.values[`frames ${key}`]);
      assert.equal(counted('received'), counted('processed') + counted('dropped') + counted('failed'));
    });
  });
});
