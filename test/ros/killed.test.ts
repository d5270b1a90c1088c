/** @file The node, its worker, or both are killed at any moment while mapping: what an independent peer was told of is in the map. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { createRandom } from '../../src/math/random.ts';
import { assertMapHolds } from '../support/assertMapHolds.ts';
import { listenToDiagnostics } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, TOWN_SIZE, type PaintedTown } from './support/paintedTown.ts';
import { isRunning, until } from './support/processFacts.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer, type Message } from './support/RosPeer.ts';
import { reliable } from './support/whilePublishing.ts';

/** NODE_KILLS=12 for the long run. */
const KILLS = Number(process.env.NODE_KILLS ?? 3);
const VICTIMS = ['node', 'worker', 'both'] as const;

describeOnGraph('killed while mapping', function () {
  this.timeout(30_000 + 15_000 * KILLS);
  const random = createRandom(3);
  let town: PaintedTown;
  let peer: RosPeer;
  let map: string;
  let second = 1000;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    map = path.join(town.folder, 'grown.vprmap');
    await listenToDiagnostics(peer);
  });

  after(async () => {
    await peer.stop();
    await town.remove();
  });

  /** A name of its own for each start: for a while the graph takes a killed node for alive. */
  async function startIn(space: string): Promise<NodeProcess> {
    const topics = { image: `${space}/image/compressed`, odom: `${space}/odom` };
    await peer.advertise(topics.image, 'sensor_msgs/msg/CompressedImage');
    await peer.advertise(topics.odom, 'nav_msgs/msg/Odometry');
    const node = await NodeProcess.active({
      parameters: {
        ...{ model: town.parameters.model, map, image_transport: 'compressed' },
        ...{ 'mapping.enabled': true, 'mapping.novelty': -1.0 },
        ...{ 'diagnostic_updater.period': 0.1, 'diagnostic_updater.use_fqn': true },
        ...reliable(topics.image),
        ...reliable(topics.odom),
      },
      rosArguments: ['-r', `__ns:=${space}`],
    });
    await peer.matched(topics.image);
    await peer.matched(topics.odom);
    return node;
  }

  /** Drives on, 3 m a frame, as fast as the peer publishes, until `isOver`. */
  async function drive(space: string, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      second += 1;
      const stamp = { sec: second, nanosec: 0 };
      const pose = { pose: { position: { x: 3 * second, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } } };
      await peer.publish(`${space}/odom`, { header: { stamp, frame_id: 'odom' }, pose });
      const image = { header: { stamp, frame_id: 'camera' }, format: 'jpeg' };
      await peer.publish(`${space}/image/compressed`, image, town.files[second % TOWN_SIZE]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The most places that the diagnostics of a node have told of. */
  function toldBy(space: string): number {
    const placesIn = ({ status }: Message): number[] =>
      (status as { name: string; values: { key: string; value: string }[] }[])
        .filter(({ name }) => name === `${space}/localizer: map`)
        .flatMap(({ values }) => values.filter(({ key }) => key === 'places'))
        .map(({ value }) => Number(value));
    return Math.max(0, ...peer.messages('/diagnostics').flatMap(placesIn));
  }

  for (let kill = 0; kill < KILLS; kill++) {
    const victim = VICTIMS[kill % VICTIMS.length]!;
    it(`${victim} (${kill + 1} of ${KILLS})`, async () => {
      const space = `/drive${kill}`;
      const node = await startIn(space);
      const before = toldBy(space);
      await drive(space, () => toldBy(space) >= before + 3);
      const worker = await node.workerPid();
      const moment = Date.now() + 400 * random.next();
      await drive(space, () => Date.now() >= moment);
      if (victim !== 'node') process.kill(worker, 'SIGKILL');
      if (victim !== 'worker') await node.end('SIGKILL');
      await until('the end of the worker', () => (isRunning(worker) ? undefined : true));
      const told = toldBy(space);
      await assertMapHolds(map, (held) => {
        assert.ok(held.size >= told, `${held.size} of ${told}`);
      });
      if (victim !== 'worker') return;
      await drive(space, () => toldBy(space) >= told + 3); // the node has a new worker and maps on
      assert.equal((await node.end()).code, 0);
      await assertMapHolds(map, (held) => {
        assert.ok(held.size >= told + 3);
      });
    });
  }
});
