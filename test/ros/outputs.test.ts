/** @file What a located frame gives to others: pose, fix, pictures, transforms, recall; in the frames that were asked for. */
import assert from 'node:assert/strict';
import { LEVEL, listenToDiagnostics, untilSaid, untilStatus } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer, type Message } from './support/RosPeer.ts';
import { reliable, warmUp } from './support/whilePublishing.ts';

const POSE = 'geometry_msgs/msg/PoseWithCovarianceStamped';

interface Posed {
  readonly header: { readonly stamp: { readonly sec: number }; readonly frame_id: string };
  readonly pose: {
    readonly pose: {
      readonly position: { readonly x: number; readonly y: number; readonly z: number };
      readonly orientation: { readonly z: number; readonly w: number };
    };
    readonly covariance: readonly number[];
  };
}

describeOnGraph('outputs on a graph', () => {
  let town: PaintedTown;
  let peer: RosPeer;
  let node: NodeProcess;
  let second = 1000;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    await listenToDiagnostics(peer);
    node = await NodeProcess.active({
      parameters: {
        ...town.parameters,
        ...reliable('/image/compressed'),
        ...reliable('/ground_truth'),
        image_transport: 'compressed',
        base_frame: 'base_link',
        publish_tf: true,
        accept_probability: 0.5,
        keep_probability: 0.4,
        ground_truth_type: 'pose',
        ground_truth_radius: 3.0,
        stamp_tolerance: 3600.0,
        'diagnostic_updater.period': 0.25,
      },
    });
    await peer.subscribe('/localizer/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses');
    await peer.subscribe('/localizer/pose', POSE);
    await peer.subscribe('/localizer/fix', 'sensor_msgs/msg/NavSatFix');
    await peer.advertise('/image/compressed', 'sensor_msgs/msg/CompressedImage');
    await warmUp(peer, { topic: '/image/compressed', message: { format: 'jpeg' }, file: town.files[0]! });
  });

  after(async () => {
    assert.equal((await node.end()).code, 0);
    await peer.stop();
    await town.remove();
  });

  /** Shows places to the camera until one of them is located; resolves with the hypotheses of the last frame. */
  async function show(places: readonly number[]): Promise<Message> {
    let answer: Message = {};
    for (const place of places) {
      second += 1;
      const [sec, header] = [second, { stamp: { sec: second, nanosec: 0 }, frame_id: 'camera_optical_frame' }];
      await peer.publish('/image/compressed', { header, format: 'jpeg' }, town.files[place]);
      answer = await peer.until('/localizer/hypotheses', (m) => (m as unknown as Posed).header.stamp.sec === sec);
    }
    return answer;
  }

  const atPresent = (message: Message): boolean => (message as unknown as Posed).header.stamp.sec === second;

  it("keeps ~/pose silent and says which transform is missing while the camera's place on the robot is unknown", async () => {
    const answer = await show([2, 2, 2, 2]);
    assert.equal(answer.state, 2, JSON.stringify(answer).slice(0, 400));
    const status = await untilSaid(
      peer,
      'localization',
      /No transform base_link -> camera_optical_frame in \/tf_static/,
    );
    assert.equal(status.level, LEVEL.error);
    assert.deepEqual(peer.messages('/localizer/pose'), []);
  });

  it('gives the pose of the base once /tf_static tells it', async () => {
    await peer.advertise('/tf_static', 'tf2_msgs/msg/TFMessage', { durability: 'transient_local' });
    const rotation = { x: -0.5, y: 0.5, z: -0.5, w: 0.5 }; // optical axes of a camera that looks forward
    await peer.publish('/tf_static', {
      transforms: [
        {
          header: { frame_id: 'base_link' },
          child_frame_id: 'camera_link',
          transform: { translation: { x: 1.5, y: 0, z: 0.5 }, rotation: { x: 0, y: 0, z: 0, w: 1 } },
        },
        {
          header: { frame_id: 'camera_link' },
          child_frame_id: 'camera_optical_frame',
          transform: { translation: { x: 0, y: 0, z: 0 }, rotation },
        },
      ],
    });
    await peer.matched('/tf_static', 1);
    await untilStatus(peer, 'localization', () => true);
    await show([2]);
    const message = (await peer.until('/localizer/pose', atPresent)) as unknown as Posed;
    const { position, orientation } = message.pose.pose;
    assert.equal(message.header.frame_id, 'map');
    // Place 2 lies at (20, 0), the camera 1.5 m before and 0.5 m above the base.
    assert.ok(Math.abs(position.x - 18.5) < 1 && Math.abs(position.y) < 0.5, JSON.stringify(position));
    assert.ok(Math.abs(position.z + 0.5) < 0.01);
    assert.ok(Math.abs(orientation.z) < 0.05 && orientation.w > 0.99);
    const covariance = message.pose.covariance;
    assert.ok(covariance.every((value) => value >= 0 && value <= 1e9));
    for (let axis = 0; axis < 6; axis++) assert.ok(covariance[axis * 7]! > 0);
  });

  it('gives the same geodetically, in a map with a datum', async () => {
    await show([2]);
    const fix = (await peer.until('/localizer/fix', atPresent)) as {
      latitude: number;
      longitude: number;
      altitude: number;
    };
    assert.ok(Math.abs(fix.latitude - 48) < 1e-5);
    assert.ok(Math.abs(fix.longitude - (11 + 18.5 / 74_632)) < 2e-5, String(fix.longitude)); // metres a degree at 48 N
    assert.ok(Math.abs(fix.altitude - 499.5) < 0.1);
  });

  it('sends map -> odom, post-dated, from odom -> base in /tf; never map -> base', async () => {
    await peer.subscribe('/tf', 'tf2_msgs/msg/TFMessage');
    await peer.advertise('/tf', 'tf2_msgs/msg/TFMessage');
    await peer.matched('/tf', 2); // the node's subscription and the peer's own
    const isMap = (message: Message): boolean => (message as unknown as Sent).transforms[0]!.header.frame_id === 'map';
    for (let tries = 0; tries < 50 && !peer.messages('/tf').some(isMap); tries++) {
      const header = { stamp: { sec: second + 1, nanosec: 0 }, frame_id: 'odom' };
      const transform = { translation: { x: 3, y: 0, z: 0 }, rotation: { x: 0, y: 0, z: 0, w: 1 } };
      await peer.publish('/tf', { transforms: [{ header, child_frame_id: 'base_link', transform }] });
      await show([2]);
    }
    interface Sent {
      readonly transforms: readonly {
        readonly header: {
          readonly stamp: { readonly sec: number; readonly nanosec: number };
          readonly frame_id: string;
        };
        readonly child_frame_id: string;
        readonly transform: { readonly translation: { readonly x: number } };
      }[];
    }
    const sent = (await peer.until('/tf', isMap)) as unknown as Sent;
    const [transform] = sent.transforms;
    assert.equal(transform!.child_frame_id, 'odom');
    assert.equal(transform!.header.stamp.nanosec, 500_000_000);
    const isThen = (message: Message): boolean =>
      (message as unknown as Posed).header.stamp.sec === transform!.header.stamp.sec;
    const pose = (await peer.until('/localizer/pose', isThen)) as unknown as Posed;
    const mapFromOdomX = pose.pose.pose.position.x - 3;
    assert.ok(Math.abs(transform!.transform.translation.x - mapFromOdomX) < 1e-6, JSON.stringify({ transform, pose }));
  });

  it('makes pictures and markers when somebody looks', async () => {
    await peer.subscribe('/localizer/debug_image/compressed', 'sensor_msgs/msg/CompressedImage', {
      reliability: 'best_effort',
    });
    await peer.subscribe('/localizer/hypotheses/markers', 'visualization_msgs/msg/MarkerArray');
    await peer.subscribe('/localizer/hypotheses/poses', 'geometry_msgs/msg/PoseArray');
    for (const topic of ['debug_image/compressed', 'hypotheses/markers', 'hypotheses/poses']) {
      await peer.matched(`/localizer/${topic}`);
    }
    await untilStatus(peer, 'localization', () => true);
    await show([2, 2]);
    const picture = await peer.until('/localizer/debug_image/compressed', () => true);
    assert.deepEqual([...Buffer.from(picture.data as string, 'base64').subarray(0, 3)], [0xff, 0xd8, 0xff]);
    const { markers } = (await peer.until('/localizer/hypotheses/markers', () => true)) as { markers: Message[] };
    assert.ok(markers.some(({ text }) => /^located \d+ %$/.test(text as string)));
    const { poses } = (await peer.until('/localizer/hypotheses/poses', () => true)) as { poses: Message[] };
    assert.ok(poses.length > 0);
  });

  it('takes down what viewers show when a frame cannot be used', async () => {
    await show([2]);
    second += 1;
    const header = { stamp: { sec: second, nanosec: 0 }, frame_id: 'camera_optical_frame' };
    await peer.publish('/image/compressed', { header, format: 'jpeg', data: [0xff, 0xd8, 0xff] });
    const { state } = await peer.until('/localizer/hypotheses', atPresent);
    assert.equal(state, 0, 'lost');
    const { poses } = await peer.until('/localizer/hypotheses/poses', atPresent);
    assert.deepEqual(poses, []);
    const isOfFrame = ({ markers }: Message): boolean => atPresent((markers as Message[])[0]!);
    const { markers } = await peer.until('/localizer/hypotheses/markers', isOfFrame);
    const actions = (markers as Message[]).map(({ ns, action }) => ({ ns, action }));
    assert.deepEqual(actions, [{ ns: '', action: 3 }], 'DELETEALL and nothing else');
  });

  it('draws where it was located, when somebody looks', async () => {
    await peer.call('/localizer/reset', 'std_srvs/srv/Trigger');
    peer.forget('/localizer/pose');
    await peer.subscribe('/localizer/trajectory', 'nav_msgs/msg/Path');
    await peer.matched('/localizer/trajectory');
    for (const place of [2, 3, 4, 5]) await show([place]);
    const latest = (await peer.until('/localizer/pose', atPresent)) as unknown as Posed;
    interface Trail {
      readonly header: Posed['header'];
      readonly poses: readonly { readonly pose: Posed['pose']['pose'] }[];
    }
    const isWhole = (message: Message): boolean => (message as unknown as Trail).header.stamp.sec === second;
    const { header, poses } = (await peer.until('/localizer/trajectory', isWhole)) as unknown as Trail;
    assert.equal(header.frame_id, 'map');
    assert.deepEqual(poses.at(-1)!.pose, latest.pose.pose);
    assert.equal(poses.length, peer.messages('/localizer/pose').length, 'places are 10 m apart: each is a step');
  });

  it('measures itself against ground_truth', async () => {
    await peer.subscribe('/localizer/recall', 'netvlad_localizer/msg/RecallDiagnostics');
    await peer.advertise('/ground_truth', 'geometry_msgs/msg/PoseStamped');
    await peer.matched('/ground_truth');
    await peer.call('/localizer/reset', 'std_srvs/srv/Trigger');
    for (const place of [3, 3, 3]) {
      const stamp = { sec: second + 1, nanosec: 0 };
      const position = { x: 10 * place + 1, y: 0, z: 0 };
      await peer.publish('/ground_truth', { header: { stamp, frame_id: 'map' }, pose: { position } });
      await show([place]);
    }
    const recall = await peer.until('/localizer/recall', ({ queries }) => queries === 3);
    assert.equal(recall.queries_with_truth, 3);
    assert.deepEqual(recall.n, [1, 5, 10, 20]);
    assert.deepEqual(recall.recall, [1, 1, 1, 1]);
    assert.equal(recall.radius, 3);
  });

  it('ignores frames while disabled', async () => {
    await peer.call('/localizer/set_enabled', 'std_srvs/srv/SetBool', { data: false });
    const before = await untilStatus(peer, 'localization', ({ message }) => message.includes('Disabled'));
    assert.equal(before.level, LEVEL.ok);
    peer.forget('/localizer/hypotheses');
    const header = { stamp: { sec: second + 1, nanosec: 0 }, frame_id: 'camera_optical_frame' };
    await peer.publish('/image/compressed', { header, format: 'jpeg' }, town.files[0]);
    await untilStatus(peer, 'input', () => true);
    await peer.call('/localizer/set_enabled', 'std_srvs/srv/SetBool', { data: true });
    second += 1;
    await show([0]);
    assert.equal(peer.messages('/localizer/hypotheses').length, 1);
  });
});
