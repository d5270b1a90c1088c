/**
 * @file Does a node that is configured and cleaned up again and again grow? Full cycles over the services, resident memory as it goes.
 *
 *   . scripts/ros-env.sh && node dist/bench/lifecycle_memory.js [cycles]
 */
import { readFileSync } from 'node:fs';
import { findDefaultModel } from '../src/inference/loadModel.ts';
import { NodeProcess } from '../test/ros/support/NodeProcess.ts';
import { createPaintedTown } from '../test/ros/support/paintedTown.ts';
import { RosPeer } from '../test/ros/support/RosPeer.ts';

const cycles = Number(process.argv[2] ?? 100);
const REPORT_EVERY = Math.max(1, Math.floor(cycles / 10));

/** Linux. */
function readResidentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

const town = await createPaintedTown({ model: findDefaultModel() });
const peer = await RosPeer.start();
const node = NodeProcess.start({ parameters: { ...town.parameters, autostart: false } });
const samples: number[] = [];
for (let cycle = 1; cycle <= cycles; cycle++) {
  for (const label of ['configure', 'activate', 'deactivate', 'cleanup']) {
    const request = { transition: { label } };
    const answer = await peer.call<{ success: boolean }>(
      '/localizer/change_state',
      'lifecycle_msgs/srv/ChangeState',
      request,
    );
    if (!answer.success) throw new Error(`${label} of cycle ${cycle} failed:\n${node.log}`);
  }
  samples.push(readResidentMb(node.pid));
  if (cycle % REPORT_EVERY === 0) console.log(`cycle ${cycle}: ${samples.at(-1)!.toFixed(0)} MB`);
}
const settled = samples[Math.floor(samples.length / 10)]!;
console.log(`growth after the first tenth: ${(100 * (samples.at(-1)! / settled - 1)).toFixed(1)} % (goal <= 10)`);
const { code } = await node.end();
await peer.stop();
await town.remove();
process.exitCode = code ?? 1;
