/** @file Mapping on a graph: keyframes by odometry become places, a drive finds back. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { verifyMap } from '../../src/map/verifyMap.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { listenToDiagnostics, untilStatus } from './support/diagnostics.ts';
import { NodeProcess, type NodeOptions } from './support/NodeProcess.ts';
import { createPaintedTown, TOWN_SIZE, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer, type Message } from './support/RosPeer.ts';
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

  async function startMapping(changes: NodeOptions['parameters'] = {}): Promise<NodeProcess> {
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
        ...changes,
      },
    });
    await peer.matched('/odom');
    await warmUp(peer, { topic: '/image/compressed', message: { format: 'jpeg' }, file: town.files[0]! });
    return node;
  }

  /** The robot stands at (x, 0) and sees a place; resolves with what it says of that. */
  async function see(place: number, x: number): Promise<Message> {
    second += 1;
    const [sec, stamp] = [second, { sec: second, nanosec: 0 }];
    const pose = { pose: { position: { x, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } } };
    await peer.publish('/odom', { header: { stamp, frame_id: 'odom' }, child_frame_id: 'base_link', pose });
    await peer.publish(
      '/image/compressed',
      { header: { stamp, frame_id: 'camera' }, format: 'jpeg' },
      town.files[place],
    );
    return peer.until(
      '/localizer/hypotheses',
      ({ header }) => (header as { readonly stamp: { readonly sec: number } }).stamp.sec === sec,
    );
  }

  it('makes places of keyframes 2 m apart, publishes loops, and saves a map that verifies', async () => {
    const node = await startMapping();
    const lap = Array.from({ length: TOWN_SIZE }, (_, i) => i);
    const found: unknown[] = [];
    for (const [i, place] of [...lap, ...lap.slice(0, 4)].entries()) {
      const { hypotheses } = await see(place, 100 + 3 * i);
      await see(place, 100 + 3 * i + 1); // too near for another place
      found.push((hypotheses as readonly { readonly place_id: number }[])[0]?.place_id ?? null);
    }
    // While it maps, it localizes in what it has mapped: the second lap shows the first.
    for (const [i, place] of found.slice(0, TOWN_SIZE).entries()) {
      assert.ok(
        place === null || (place as number) < i,
        `stop ${i} is answered with place ${String(place)}, too fresh`,
      );
    }
    assert.deepEqual(
      found.slice(TOWN_SIZE + 1),
      lap.slice(1, 4).map((place) => place + 2), // ids 1 and 2 show the same: the first frame ever and the first stop
    );
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

  it('takes its datum from the first fix of a new map, and answers in WGS-84 from then on', async () => {
    const geodetic = path.join(town.folder, 'geodetic.vprmap');
    await peer.advertise('/fix', 'sensor_msgs/msg/NavSatFix');
    await peer.subscribe('/localizer/fix', 'sensor_msgs/msg/NavSatFix');
    const node = await startMapping({
      map: geodetic,
      'mapping.geotag': 'fix',
      accept_probability: 0.5,
      keep_probability: 0.4,
      ...reliable('/fix'),
    });
    await peer.matched('/fix');
    const metresPerDegree = 111_320 * Math.cos((48 * Math.PI) / 180);
    for (let lap = 0; lap < 3; lap++) {
      for (let place = 0; place < TOWN_SIZE; place++) {
        const header = { stamp: { sec: second + 1, nanosec: 0 }, frame_id: 'gnss' };
        const longitude = 11 + (10 * place) / metresPerDegree;
        await peer.publish('/fix', { header, status: { status: 0 }, latitude: 48, longitude, altitude: 500 });
        await see(place, 20 * TOWN_SIZE * lap + 10 * place);
      }
    }
    const fix = (await peer.until('/localizer/fix', () => true)) as { latitude: number; longitude: number };
    assert.ok(Math.abs(fix.latitude - 48) < 1e-4, String(fix.latitude));
    const metres = (fix.longitude - 11) * metresPerDegree;
    assert.ok(metres > -10 && metres < 10 * TOWN_SIZE, `${metres.toFixed(1)} m`);
    assert.equal((await node.end()).code, 0);
    const grown = PlaceMap.open(geodetic);
    assert.ok(Math.abs(grown.manifest.datum!.latDeg - 48) < 1e-9);
    grown.close();
  });
});
