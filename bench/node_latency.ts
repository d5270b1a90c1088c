/**
 * @file Does the node keep up with a camera, and what does it cost beside the inference? An rclpy process publishes VGA rgb8 at 30 Hz
 * to the real node with the default model; every frame must be answered or reported as dropped.
 *
 *   . scripts/ros-env.sh && node dist/bench/node_latency.js [seconds] [rate] [map.vprmap]
 *
 * A map with local features of at least 20 places has every frame verified against 20 candidates.
 */
import { findDefaultModel } from '../src/inference/loadModel.ts';
import { runCamera } from '../test/ros/support/camera.ts';
import { listenToDiagnostics, untilStatus } from '../test/ros/support/diagnostics.ts';
import { NodeProcess } from '../test/ros/support/NodeProcess.ts';
import { createPaintedTown } from '../test/ros/support/paintedTown.ts';
import { RosPeer } from '../test/ros/support/RosPeer.ts';

const [seconds = '60', rate = '30', map] = process.argv.slice(2);

const town = await createPaintedTown({ model: findDefaultModel() });
const peer = await RosPeer.start();
await listenToDiagnostics(peer);
const node = await NodeProcess.active({ parameters: { ...town.parameters, ...(map === undefined ? {} : { map }) } });
const sent = await runCamera('/image', { rateHz: Number(rate), seconds: Number(seconds) });

const input = await untilStatus(peer, 'input', ({ values }) => {
  const [received, processed, dropped] = ['received', 'processed', 'dropped'].map((key) =>
    Number(values[`frames ${key}`]),
  );
  return received === processed! + dropped!;
});
const model = await untilStatus(peer, 'model', () => true);
const localization = await untilStatus(peer, 'localization', () => true);
const count = (key: string): number => Number(input.values[`frames ${key}`]);
const [received, processed, dropped] = [count('received'), count('processed'), count('dropped')];
console.log(`published ${sent}, received ${received}, processed ${processed}, dropped ${dropped}`);
console.log(
  `published = processed + dropped: ${sent === processed + dropped ? 'yes' : `no, ${sent - processed - dropped} lost`}`,
);
console.log(
  `describe ${model.values['describe [ms]']} ms, decode ${model.values['decode [ms]']} ms, search ${model.values['search [ms]']} ms, verify ${model.values['verify [ms]']} ms`,
);
console.log(`from arrival to publication beside these: ${model.values['overhead [ms]']} ms (goal <= 5)`);
console.log(`event loop delay p99: ${localization.values['event loop delay p99 [ms]']} ms (goal <= 10)`);
const { code } = await node.end();
await peer.stop();
await town.remove();
if (sent !== processed + dropped || code !== 0) process.exitCode = 1;
