/**
 * @file Can the node be left running? VGA rgb8 at 30 Hz into the real node with the default model: the memory of node and worker must
 * stay, the event loop be punctual, no frame go missing, and the end come when it is asked for. The exit code says so.
 *
 *   . scripts/ros-env.sh && node dist/bench/soak.js [seconds] [rate]
 *
 * 1800 seconds by default. Memory counts after five minutes, in a run shorter than ten after half of it. What a busy machine may
 * spoil for a moment (punctuality, a frame lost on the way) is shown always and judged from ten minutes on.
 */
import { median } from '../src/math/statistics.ts';
import { findDefaultModel } from '../src/inference/loadModel.ts';
import { runCamera } from '../test/ros/support/camera.ts';
import { listenToDiagnostics, untilStatus, type Status } from '../test/ros/support/diagnostics.ts';
import { NodeProcess } from '../test/ros/support/NodeProcess.ts';
import { createPaintedTown } from '../test/ros/support/paintedTown.ts';
import { readResidentMb } from '../test/ros/support/processFacts.ts';
import { RosPeer } from '../test/ros/support/RosPeer.ts';

const [seconds = 1800, rateHz = 30] = process.argv.slice(2).map(Number);
const LONG_S = 600;
const isShort = seconds < LONG_S;
/** A frame is a megabyte, and garbage for a while: in a short run that is most of what changes. */
const GOALS = { growth: isShort ? 0.08 : 0.02, loopDelayMs: 10, endMs: 2000 };

interface Sample {
  readonly nodeMb: number;
  readonly workerMb: number;
}

/** Between the first and the last fifth of what counts. */
function growthOf(samples: readonly number[]): number {
  const counted = samples.slice(Math.min(300, Math.floor(samples.length / 2)));
  const fifth = Math.ceil(counted.length / 5);
  return median(counted.slice(-fifth)) / median(counted.slice(0, fifth)) - 1;
}

const countOf = (status: Status, key: string): number => Number(status.values[`frames ${key}`]);

const town = await createPaintedTown({ model: findDefaultModel() });
const peer = await RosPeer.start();
await listenToDiagnostics(peer);
const node = await NodeProcess.active({ parameters: town.parameters });
const workerPid = await node.workerPid();
const samples: Sample[] = [];
const sampling = setInterval(() => {
  samples.push({ nodeMb: readResidentMb(node.pid), workerMb: readResidentMb(workerPid) });
  if (samples.length % 60 !== 0) return;
  const { nodeMb, workerMb } = samples.at(-1)!;
  console.log(`minute ${samples.length / 60}: node ${nodeMb.toFixed(1)} MB, worker ${workerMb.toFixed(1)} MB`);
}, 1000);
const sent = await runCamera('/image', { rateHz, seconds });
clearInterval(sampling);

const input = await untilStatus(
  peer,
  'input',
  (status) => countOf(status, 'received') === countOf(status, 'processed') + countOf(status, 'dropped'),
);
const localization = await untilStatus(peer, 'localization', () => true);
const loopDelayMs = Number(localization.values['event loop delay p99 [ms]']);
const { code, tookMs } = await node.end();
await peer.stop();
await town.remove();

const growth = growthOf(samples.map(({ nodeMb, workerMb }) => nodeMb + workerMb));
const [processed, dropped] = [countOf(input, 'processed'), countOf(input, 'dropped')];
const verdicts: readonly (readonly [string, boolean])[] = [
  [`memory grew by ${(100 * growth).toFixed(2)} % (goal < ${100 * GOALS.growth} %)`, growth < GOALS.growth],
  [`ended with code ${code} (goal 0)`, code === 0],
  [`ended after ${tookMs.toFixed(0)} ms (goal < ${GOALS.endMs} ms)`, tookMs < GOALS.endMs || isShort],
  [
    `published ${sent}, processed ${processed}, dropped ${dropped} (goal: none missing)`,
    sent === processed + dropped || isShort,
  ],
  [
    `event loop delay p99 ${loopDelayMs.toFixed(1)} ms (goal <= ${GOALS.loopDelayMs} ms)`,
    loopDelayMs <= GOALS.loopDelayMs || isShort,
  ],
];
for (const [text, holds] of verdicts) console.log(`${holds ? 'ok' : 'FAILED'}: ${text}`);
if (!verdicts.every(([, holds]) => holds)) process.exitCode = 1;
