/** @file A rendering thread: builds the town once, then answers poses with JPEG bytes. */
import { parentPort, workerData } from 'node:worker_threads';
import { describeError } from '../errors.ts';
import { encodeJpeg } from '../image/encode.ts';
import { createCamera } from './Camera.ts';
import type { RenderReply, RenderRequest, RenderTask } from './RenderPool.ts';
import { planTown } from './TownPlan.ts';
import { TownRenderer } from './TownRenderer.ts';
import { createScene } from './TownScene.ts';

const { town, traverse, width, height, jpegQuality } = workerData as RenderTask;
const camera = createCamera(width, height);
const renderer = new TownRenderer(createScene(planTown(town), traverse, camera), camera);

async function answer({ index, pose, seed }: RenderRequest): Promise<RenderReply> {
  try {
    return { index, jpeg: await encodeJpeg(renderer.render(pose, seed), jpegQuality) };
  } catch (error) {
    return { index, error: describeError(error) };
  }
}

parentPort!.on('message', (request: RenderRequest) => {
  void answer(request).then((reply) => {
    parentPort!.postMessage(reply);
  });
});
