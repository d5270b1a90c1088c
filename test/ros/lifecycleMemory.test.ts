/** @file A hundred full lifecycle cycles with the default model: what configure takes, cleanup gives back. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { findDefaultModel } from '../../src/inference/loadModel.ts';
import { median } from '../../src/math/statistics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { readChildren, readResidentMb, until } from './support/processFacts.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer } from './support/RosPeer.ts';

const CYCLES = 100;
/** Memory after the last cleanups against that before the first configure. */
const BACK_TO_START = 0.1;
/** Code that runs for the first time is loaded and compiled once: growth counts from here on. */
const SETTLED = 20;
const GROWTH = 0.05;

interface Held {
  readonly residentMb: number;
  readonly files: number;
  readonly threads: number;
}

function readHeld(pid: number): Held {
  return {
    residentMb: readResidentMb(pid),
    files: readdirSync(`/proc/${pid}/fd`).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
  };
}

/** One reading wavers with the collector: the median of some. */
function typical(readings: readonly Held[]): Held {
  const of = (pick: (held: Held) => number): number => median(readings.map(pick));
  return {
    residentMb: of((held) => held.residentMb),
    files: of((held) => held.files),
    threads: of((held) => held.threads),
  };
}

describeOnGraph('the lifecycle again and again', function () {
  this.timeout(300_000);
  let town: PaintedTown;
  let peer: RosPeer;
  let node: NodeProcess;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown({ model: findDefaultModel() }), RosPeer.start()]);
    node = NodeProcess.start({ parameters: { ...town.parameters, autostart: false } });
  });

  after(async () => {
    assert.equal((await node.end()).code, 0);
    await peer.stop();
    await town.remove();
  });

  async function change(label: string): Promise<void> {
    const request = { transition: { label } };
    const service = 'lifecycle_msgs/srv/ChangeState';
    const { success } = await peer.call<{ success: boolean }>('/localizer/change_state', service, request);
    assert.ok(success, `${label}: ${node.log}`);
  }

  it(`gives everything back, ${CYCLES} times`, async () => {
    await peer.call('/localizer/get_state', 'lifecycle_msgs/srv/GetState'); // the node is there
    const start = readHeld(node.pid);
    const after: Held[] = [];
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      for (const label of ['configure', 'activate', 'deactivate', 'cleanup']) await change(label);
      await until('the end of the worker', () => (readChildren(node.pid).length === 0 ? true : undefined));
      after.push(readHeld(node.pid));
    }
    const [settled, end] = [typical(after.slice(SETTLED, SETTLED + 10)), typical(after.slice(-10))];
    const ratioTo = (from: Held): number => end.residentMb / from.residentMb - 1;
    const story = JSON.stringify({ start, settled, end });
    assert.ok(ratioTo(start) <= BACK_TO_START, `memory after the last cleanups against the start: ${story}`);
    assert.ok(ratioTo(settled) <= GROWTH, `growth of memory: ${story}`);
    assert.ok(end.files <= settled.files && end.threads <= settled.threads, `files and threads: ${story}`);
  });
});
