/** @file Mapping on a graph: keyframes by odometry become places, a drive finds back. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { verifyMap } from '../../src/map/verifyMap.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { listenToDiagnostics, untilStatus } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, TOWN_SIZE, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer } from './support/RosPeer.ts';
import { reliable, warmUp } from './support/whilePublishing.ts';

describeOnGraph('mapping on a graph', () => {
  let town: PaintedTown;
  let peer: RosPeer;
  let map: string;
  let second = 5000;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    map = path.join(town.folder, 'grown.vprmap');
    await listenToDiagnostics(peer);
    await peer.subscribe('/localizer/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses');
    await peer.subscribe('/localizer/loop_closures', 'netvlad_localizer/msg/LoopClosure');
    await peer.advertise('/image/compressed', 'sensor_msgs/msg/CompressedImage');
    await peer.advertise('/odom', 'nav_msgs/msg/Odometry');
  });

  after(async () => {
    await peer.stop();
    await town.remove();
  });

  async function startMapping(): Promise<NodeProcess> {
    const node = await NodeProcess.active({
      parameters: {
        ...{ model: town.parameters.model, map, image_transport: 'compressed' },
        ...{
          'mapping.enabled': true,
          'mapping.sequence': 'drive',
          'mapping.novelty': -1.0,
          'diagnostic_updater.period': 0.1,
        },
        ...{ 'mapping.loop_min_time': 1.0, 'mapping.loop_min_travel': 6.0, 'mapping.loop_min_keyframes': 3 },
        ...reliable('/image/compressed'),
        ...reliable('/odom'),
      },
    });
    await peer.matched('/odom');
    await warmUp(peer, { topic: '/image/compressed', message: { format: 'jpeg' }, file: town.files[0]! });
    return node;
  }

  /** The robot stands at (x, 0) and sees a place. */
  async function see(place: number, x: number): Promise<void> {
    second += 1;
    const [sec, stamp] = [second, { sec: second, nanosec: 0 }];
    const pose = { pose: { position: { x, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } } };
    await peer.publish('/odom', { header: { stamp, frame_id: 'odom' }, child_frame_id: 'base_link', pose });
    await peer.publish(
      '/image/compressed',
      { header: { stamp, frame_id: 'camera' }, format: 'jpeg' },
      town.files[place],
    );
    await peer.until(
      '/localizer/hypotheses',
      ({ header }) => (header as { readonly stamp: { readonly sec: number } }).stamp.sec === sec,
    );
  }

  it('makes places of keyframes 2 m apart, publishes loops, and saves a map that verifies', async () => {
    const node = await startMapping();
    const lap = Array.from({ length: TOWN_SIZE }, (_, i) => i);
    for (const [i, place] of [...lap, ...lap.slice(0, 4)].entries()) {
      await see(place, 100 + 3 * i);
      await see(place, 100 + 3 * i + 1); // too near for another place
    }
    const added = 1 + TOWN_SIZE + 4; // the first frame ever, without odometry, and one a stop
    await untilStatus(peer, 'map', ({ values }) => values['places added'] === String(added));
    const closures = peer.messages('/localizer/loop_closures');
    assert.ok(closures.length > 0, 'the second lap shows known places');
    for (const closure of closures) assert.ok((closure.from_place_id as number) < (closure.to_place_id as number));
    const saved = await peer.call<{ success: boolean; message: string }>('/localizer/save_map', 'std_srvs/srv/Trigger');
    assert.match(saved.message, new RegExp(`holds ${added} places and is sealed`));
    assert.equal((await node.end()).code, 0);
    const grown = PlaceMap.open(map);
    assert.equal(grown.places.length, added);
    assert.deepEqual(
      grown.places.slice(1, 4).map(({ pose, sequence }) => [pose?.x, sequence]),
      [
        [100, 'drive'],
        [103, 'drive'],
        [106, 'drive'],
      ],
    );
    grown.close();
    assert.deepEqual(
      verifyMap(map).flatMap(({ problems }) => problems),
      [],
    );
  });
});
