/** @file Time: /clock from a best-effort and a reliable publisher, jumps back, none at all. */
import assert from 'node:assert/strict';
import { LEVEL, listenToDiagnostics, untilSaid, untilStatus } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer, type Message } from './support/RosPeer.ts';
import { reliable, warmUp, whilePublishing } from './support/whilePublishing.ts';

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
        ...reliable('/image/compressed'),
        use_sim_time: true,
        image_transport: 'compressed',
        'diagnostic_updater.period': 0.25,
      },
    });
    await warmUp(peer, { topic: '/image/compressed', message: { format: 'jpeg' }, file: town.files[0]! });
  });

  after(async () => {
    assert.equal((await node.end()).code, 0);
    await peer.stop();
    await town.remove();
  });

  /** Keeps /clock at a second of the recording during the work. */
  async function withClock<T>(second: number, work: () => Promise<T>): Promise<T> {
    const message = (): Message => ({ clock: { sec: second, nanosec: 0 } });
    return whilePublishing(peer, { topic: '/clock', message }, work);
  }

  /** A frame at a second of the recording, processed. */
  async function play(second: number): Promise<void> {
    const header = { stamp: { sec: second, nanosec: 0 }, frame_id: 'camera' };
    await peer.publish('/image/compressed', { header, format: 'jpeg' }, town.files[0]);
    await peer.until(
      '/localizer/hypotheses',
      (message) => (message.header as { readonly stamp: { readonly sec: number } }).stamp.sec === second,
    );
  }

  it('goes on with diagnostics and frames while there is no /clock', async () => {
    await play(100);
    const status = await untilSaid(peer, 'input', /use_sim_time is set, but nothing comes on \/clock/);
    assert.equal(status.values['stamp offset [s]'], 'unknown');
    assert.notEqual(status.values['frames processed'], '0');
  });

  for (const [reliability, second] of [
    ['best_effort', 200],
    ['reliable', 300],
  ] as const) {
    it(`follows a ${reliability} /clock`, async () => {
      await peer.advertise('/clock', 'rosgraph_msgs/msg/Clock', { reliability });
      const status = await withClock(second, async () => {
        await untilStatus(peer, 'input', ({ values }) => values['clock [s]'] === String(second));
        await play(second + 1);
        return untilStatus(peer, 'input', ({ values }) => values['stamp offset [s]'] === '1');
      });
      assert.equal(status.level, LEVEL.ok, status.message);
      await peer.unadvertise('/clock');
    });
  }

  it('starts the sequence anew when a recording is looped', async () => {
    await peer.advertise('/clock', 'rosgraph_msgs/msg/Clock', { reliability: 'best_effort' });
    await withClock(100, () => node.logged(/Time jumped back by 200\.0 s: the sequence starts anew/));
    await play(101);
    await peer.unadvertise('/clock');
  });

  it('says that the clocks differ when /clock is of another recording', async () => {
    await peer.advertise('/clock', 'rosgraph_msgs/msg/Clock');
    const status = await withClock(5000, async () => {
      await untilStatus(peer, 'input', ({ values }) => values['clock [s]'] === '5000');
      await play(400);
      return untilStatus(peer, 'input', ({ level }) => level === LEVEL.warn);
    });
    assert.match(status.message, /4600\.0 s in the past of the node's clock\. Is \/clock from the same recording/);
  });
});
