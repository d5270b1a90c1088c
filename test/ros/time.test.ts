/** @file Time: /clock from a best-effort and a reliable publisher, jumps back, none at all. */
import assert from 'node:assert/strict';
import { LEVEL, listenToDiagnostics, untilStatus } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer } from './support/RosPeer.ts';

describeOnGraph('time on a graph', () => {
  let town: PaintedTown;
  let peer: RosPeer;
  let node: NodeProcess;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    await listenToDiagnostics(peer);
    await peer.subscribe('/localizer/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses');
    await peer.advertise('/image/compressed', 'sensor_msgs/msg/CompressedImage');
    node = await NodeProcess.active({
      parameters: {
        ...town.parameters,
        use_sim_time: true,
        image_transport: 'compressed',
        'diagnostic_updater.period': 0.25,
      },
    });
    await peer.matched('/image/compressed');
  });

  after(async () => {
    assert.equal((await node.end()).code, 0);
    await peer.stop();
    await town.remove();
  });

  /** A frame at a second of the recording, processed. */
  async function play(second: number): Promise<void> {
    peer.forget('/localizer/hypotheses');
    const header = { stamp: { sec: second, nanosec: 0 }, frame_id: 'camera' };
    await peer.publish('/image/compressed', { header, format: 'jpeg' }, town.files[0]);
    await peer.until('/localizer/hypotheses', () => true);
  }

  it('goes on with diagnostics and frames while there is no /clock', async () => {
    await play(100);
    const status = await untilStatus(peer, 'input', ({ values }) => values['frames processed'] === '1');
    assert.equal(status.values['stamp offset [s]'], 'unknown');
  });

  for (const reliability of ['best_effort', 'reliable'] as const) {
    it(`follows a ${reliability} /clock`, async () => {
      await peer.advertise('/clock', 'rosgraph_msgs/msg/Clock', { reliability });
      await peer.matched('/clock');
      const second = reliability === 'best_effort' ? 200 : 300;
      await peer.publish('/clock', { clock: { sec: second, nanosec: 0 } });
      await play(second + 1);
      const status = await untilStatus(peer, 'input', ({ values }) => values['stamp offset [s]'] === '1');
      assert.equal(status.level, LEVEL.ok, status.message);
      await peer.unadvertise('/clock');
    });
  }

  it('starts the sequence anew when a recording is looped', async () => {
    await peer.advertise('/clock', 'rosgraph_msgs/msg/Clock', { reliability: 'best_effort' });
    await peer.matched('/clock');
    await peer.publish('/clock', { clock: { sec: 100, nanosec: 0 } });
    await node.logged(/Time jumped back by 200\.0 s: the sequence starts anew/);
    await play(100);
    await peer.unadvertise('/clock');
  });

  it('says that the clocks differ when /clock is of another recording', async () => {
    await peer.advertise('/clock', 'rosgraph_msgs/msg/Clock');
    await peer.matched('/clock');
    await peer.publish('/clock', { clock: { sec: 5000, nanosec: 0 } });
    await play(400);
    const status = await untilStatus(peer, 'input', ({ level }) => level === LEVEL.warn);
    assert.match(status.message, /4600\.0 s in the past of the node's clock\. Is \/clock from the same recording/);
  });
});
