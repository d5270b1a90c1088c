/** @file Two nodes with two cameras on one machine and one map: each answers its own camera and no other. */
import assert from 'node:assert/strict';
import { LEVEL, listenToDiagnostics } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer, type Message } from './support/RosPeer.ts';
import { reliable, whilePublishing } from './support/whilePublishing.ts';

const SIDES = ['front', 'rear'] as const;

describeOnGraph('two nodes', () => {
  let town: PaintedTown;
  let peer: RosPeer;
  let nodes: readonly NodeProcess[];

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    await listenToDiagnostics(peer);
    nodes = await Promise.all(
      SIDES.map((side) =>
        NodeProcess.active({
          parameters: {
            ...town.parameters,
            ...reliable(`/${side}/image/compressed`),
            image_transport: 'compressed',
            sequence_filter: false,
            'diagnostic_updater.use_fqn': true,
          },
          rosArguments: ['-r', `__ns:=/${side}`],
        }),
      ),
    );
    for (const side of SIDES) {
      await peer.subscribe(`/${side}/localizer/hypotheses`, 'netvlad_localizer/msg/PlaceHypotheses');
      await peer.advertise(`/${side}/image/compressed`, 'sensor_msgs/msg/CompressedImage');
    }
  });

  after(async () => {
    for (const node of nodes) assert.equal((await node.end()).code, 0);
    await peer.stop();
    await town.remove();
  });

  const bestOf = (message: Message): string | undefined =>
    (message.hypotheses as readonly { readonly image: string }[])[0]?.image;

  it('answer their own cameras only', async () => {
    for (const [i, side] of SIDES.entries()) {
      const header = { stamp: { sec: 10 + i, nanosec: 0 }, frame_id: side };
      const camera = {
        topic: `/${side}/image/compressed`,
        message: () => ({ header, format: 'jpeg' }),
        file: town.files[i],
      };
      await whilePublishing(peer, camera, () => peer.until(`/${side}/localizer/hypotheses`, () => true));
    }
    for (const [i, side] of SIDES.entries()) {
      const answers = peer.messages(`/${side}/localizer/hypotheses`);
      assert.ok(answers.length > 0);
      assert.ok(
        answers.every((answer) => bestOf(answer) === `${i}.jpg`),
        side,
      );
    }
  });

  it('are told apart in the diagnostics', async () => {
    for (const side of SIDES) {
      const name = `/${side}/localizer: model`;
      const message = await peer.until('/diagnostics', ({ status }) =>
        (status as { name: string }[]).some((s) => s.name === name),
      );
      const status = (message.status as { name: string; level: number }[]).find((s) => s.name === name)!;
      assert.equal(status.level, LEVEL.ok);
    }
  });
});
