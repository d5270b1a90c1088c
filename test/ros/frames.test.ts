/** @file Camera frames in, answers out: published by rclpy, processed by the real node, compared with the same work offline. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { CameraFrame } from '../../src/image/CameraFrame.ts';
import { toHypothesesMessage } from '../../src/ros/toMessages.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { decideOffline, essence, FRAME, headerOf, secondOf, stampNsOf, stampOf } from './support/offline.ts';
import { createPaintedTown, TOWN_SIZE, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer, type Message } from './support/RosPeer.ts';
import { reliable, warmUp } from './support/whilePublishing.ts';

describeOnGraph('frames on a graph', () => {
  let town: PaintedTown;
  let peer: RosPeer;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    await peer.subscribe('/localizer/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses');
  });

  after(async () => {
    await peer.stop();
    await town.remove();
  });

  async function playThrough(publish: (i: number) => Promise<void>, frames: readonly CameraFrame[]): Promise<void> {
    const offline = await decideOffline(town.parameters, frames);
    for (let i = 0; i < TOWN_SIZE; i++) {
      await publish(i);
      const { sec } = stampOf(i);
      const answer = await peer.until('/localizer/hypotheses', (message) => secondOf(message) === sec);
      assert.deepEqual(answer.header, { stamp: stampOf(i), frame_id: 'map' });
      const context = { frame: 'map', mapId: '', modelId: '', datum: null };
      assert.deepEqual(
        essence(answer),
        essence(toHypothesesMessage(offline[i]!, context) as unknown as Message),
        `frame ${i}`,
      );
      assert.equal(((answer.hypotheses as readonly Message[])[0] as { image: string }).image, `${i}.jpg`);
    }
    const answers = peer
      .messages('/localizer/hypotheses')
      .map(secondOf)
      .filter((second) => second > 1);
    assert.equal(answers.length, TOWN_SIZE, 'one answer a frame');
    peer.forget('/localizer/hypotheses');
  }

  it("answers identical JPEG bytes as offline, with the image's own stamp", async () => {
    const node = await NodeProcess.active({
      parameters: {
        ...town.parameters,
        ...reliable('/image/compressed'),
        image_transport: 'compressed',
        sequence_filter: false,
      },
    });
    await peer.advertise('/image/compressed', 'sensor_msgs/msg/CompressedImage');
    const frames = await Promise.all(
      town.files.map(async (file, i): Promise<CameraFrame> => {
        const stampNs = stampNsOf(i);
        return { kind: 'compressed', stampNs, frameId: FRAME, format: 'jpeg', data: await readFile(file) };
      }),
    );
    await warmUp(peer, { topic: '/image/compressed', message: { format: 'jpeg' }, file: town.files[0]! });
    await playThrough(
      (i) => peer.publish('/image/compressed', { header: headerOf(i), format: 'jpeg' }, town.files[i]),
      frames,
    );
    assert.equal((await node.end()).code, 0);
  });

  it('answers decoded pixels as offline, in a namespace and from a remapped camera', async () => {
    const node = await NodeProcess.active({
      parameters: { ...town.parameters, sequence_filter: false },
      rosArguments: [
        '-r',
        '__ns:=/robot',
        '-r',
        'image:=/camera/image_raw',
        '-r',
        '~/hypotheses:=/localizer/hypotheses',
      ],
    });
    await peer.advertise('/camera/image_raw', 'sensor_msgs/msg/Image', { reliability: 'best_effort' });
    const { width, height } = town.images[0]!;
    const shape = { width, height, encoding: 'rgb8', step: 3 * width };
    const frames = town.images.map(({ data }, i): CameraFrame => {
      return { kind: 'raw', stampNs: stampNsOf(i), frameId: FRAME, ...shape, isBigEndian: false, data };
    });
    await warmUp(peer, { topic: '/camera/image_raw', message: shape, file: town.pixelFiles[0]! });
    await playThrough(
      (i) => peer.publish('/camera/image_raw', { header: headerOf(i), ...shape }, town.pixelFiles[i]),
      frames,
    );
    assert.equal((await node.end()).code, 0);
  });
});
