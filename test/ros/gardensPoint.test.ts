/** @file Real photographs through the real model: what rclpy publishes is answered as the same frames are offline. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CameraFrame } from '../../src/image/CameraFrame.ts';
import { loadImage } from '../../src/image/decodeFrame.ts';
import { isFrameProblem } from '../../src/image/FrameLimits.ts';
import { findDefaultModel, loadModel } from '../../src/inference/loadModel.ts';
import { openImageSource } from '../../src/datasets/openImageSource.ts';
import { buildMap } from '../../src/map/buildMap.ts';
import { sharedPath } from '../support/sharedData.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { decideOffline, FRAME, headerOf, secondOf, stampNsOf, stampOf } from './support/offline.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer, type Message } from './support/RosPeer.ts';
import { reliable, warmUp } from './support/whilePublishing.ts';

/** Every fifth of the 200 frames of a traverse. */
const QUERIES = Array.from({ length: 40 }, (_, i) => `Image${String(5 * i).padStart(3, '0')}.jpg`);

interface Query {
  readonly frame: CameraFrame;
  readonly message: Message;
  readonly file: string;
}

describeOnGraph('gardens_point on a graph', function () {
  this.timeout(120_000);
  let folder: string;
  let queries: readonly string[];
  let parameters: { readonly model: string; readonly map: string };
  let peer: RosPeer;

  before(async function () {
    const data = sharedPath(this, 'data', 'gardens_point');
    folder = await mkdtemp(path.join(tmpdir(), 'gardens-'));
    queries = QUERIES.map((name) => path.join(data, 'day_left', name));
    parameters = { model: findDefaultModel(), map: path.join(folder, 'gardens.vprmap') };
    const model = await loadModel(parameters.model);
    await buildMap(await openImageSource(path.join(data, 'index.csv'), { role: 'database' }), model, {
      out: parameters.map,
    });
    await model.dispose();
    peer = await RosPeer.start();
    await peer.subscribe('/localizer/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses');
  });

  after(async () => {
    await peer.stop();
    await rm(folder, { recursive: true });
  });

  /** Same best image for at least 99 % of the frames, one answer each, with its own stamp. */
  async function compare(topic: string, frames: readonly Query[]): Promise<void> {
    const [first] = frames;
    await warmUp(peer, { topic, message: first!.message, file: first!.file });
    const offline = await decideOffline(
      parameters,
      frames.map(({ frame }) => frame),
    );
    let same = 0;
    for (const [i, { message, file }] of frames.entries()) {
      await peer.publish(topic, { ...message, header: headerOf(i) }, file);
      const answer = await peer.until('/localizer/hypotheses', (said) => secondOf(said) === stampOf(i).sec);
      assert.deepEqual((answer.header as { readonly stamp: unknown }).stamp, stampOf(i));
      const best = (answer.hypotheses as readonly { readonly image: string }[])[0]?.image;
      if (best === offline[i]!.hypotheses[0]?.image) same += 1;
    }
    const answers = peer.messages('/localizer/hypotheses').filter((message) => secondOf(message) > 1);
    assert.equal(answers.length, frames.length, 'one answer a frame');
    assert.ok(same >= 0.99 * frames.length, `${same} of ${frames.length} as offline`);
    peer.forget('/localizer/hypotheses');
  }

  it('identical JPEG bytes', async () => {
    const topic = '/image/compressed';
    const node = await NodeProcess.active({
      parameters: { ...parameters, ...reliable(topic), image_transport: 'compressed', sequence_filter: false },
    });
    await peer.advertise(topic, 'sensor_msgs/msg/CompressedImage');
    const frames = await Promise.all(
      queries.map(async (file, i): Promise<Query> => {
        const data = await readFile(file);
        const frame = { kind: 'compressed', stampNs: stampNsOf(i), frameId: FRAME, format: 'jpeg', data } as const;
        return { frame, message: { format: 'jpeg' }, file };
      }),
    );
    await compare(topic, frames);
    assert.equal((await node.end()).code, 0);
  });

  it('decoded pixels', async () => {
    const node = await NodeProcess.active({
      parameters: { ...parameters, ...reliable('/image'), sequence_filter: false },
    });
    await peer.advertise('/image', 'sensor_msgs/msg/Image');
    const frames: Query[] = [];
    for (const [i, query] of queries.slice(0, 20).entries()) {
      const image = await loadImage(query);
      assert.ok(!isFrameProblem(image));
      const { width, height, data } = image;
      const file = path.join(folder, `${i}.rgb`);
      await writeFile(file, data);
      const shape = { width, height, encoding: 'rgb8', step: 3 * width };
      const stamp = { kind: 'raw', stampNs: stampNsOf(i), frameId: FRAME, isBigEndian: false } as const;
      frames.push({ frame: { ...stamp, ...shape, data }, message: shape, file });
    }
    await compare('/image', frames);
    assert.equal((await node.end()).code, 0);
  });
});
