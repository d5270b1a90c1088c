/** @file Malformed messages at full rate: the process lives, memory stays, good frames in between are answered. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { median } from '../../src/math/statistics.ts';
import { listenToDiagnostics, untilStatus } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { readResidentMb } from './support/processFacts.ts';
import { describeOnGraph, PROJECT } from './support/project.ts';
import { RosPeer } from './support/RosPeer.ts';
import { reliable } from './support/whilePublishing.ts';

/** FLOOD=100000 for the long run. */
const COUNT = Number(process.env.FLOOD ?? 30_000);
/** By then V8 has made its young generation as large as such a rate asks for. */
const SETTLED = 15_000;
/** What garbage collection leaves lying about for a moment. */
const FLAT = 0.07;
const GOOD = Math.floor(COUNT / 100);

/** Sends the flood and resolves with what `sample` said meanwhile. */
async function flood(args: readonly string[], sample: () => number): Promise<readonly number[]> {
  const script = path.join(PROJECT, 'test', 'ros', 'peers', 'flood.py');
  const samples: number[] = [];
  const sampling = setInterval(() => samples.push(sample()), 50);
  try {
    const [code] = (await once(spawn('python3', [script, ...args], { stdio: 'ignore' }), 'exit')) as [number | null];
    assert.equal(code, 0);
  } finally {
    clearInterval(sampling);
  }
  return samples;
}

describeOnGraph('a flood of malformed messages', function () {
  this.timeout(60_000 + COUNT * 20);
  let town: PaintedTown;
  let peer: RosPeer;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    await listenToDiagnostics(peer);
    await peer.subscribe('/localizer/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses');
  });

  after(async () => {
    await peer.stop();
    await town.remove();
  });

  for (const [transport, topic] of [
    ['raw', '/image'],
    ['compressed', '/image/compressed'],
  ] as const) {
    it(`${transport}: alive, flat in memory, and the good frames answered`, async () => {
      const parameters = { ...town.parameters, ...reliable(topic), image_transport: transport };
      const node = await NodeProcess.active({ parameters: { ...parameters, 'diagnostic_updater.period': 0.2 } });
      peer.forget('/localizer/hypotheses');
      const good = transport === 'raw' ? town.pixelFiles[0]! : town.files[0]!;
      const pids = [node.pid, await node.workerPid()];
      const sample = (): number => pids.reduce((sum, pid) => sum + readResidentMb(pid), 0);
      const memory = await flood([transport, topic, String(COUNT), good], sample);
      assert.ok(node.isAlive, node.log);
      assert.deepEqual([await node.workerPid()], pids.slice(1), 'the worker is the same');
      const tenth = Math.ceil(memory.length / 10);
      const settled = Math.floor(memory.length * Math.max(0.25, SETTLED / COUNT));
      const early = median(memory.slice(settled, settled + tenth));
      const late = median(memory.slice(-tenth));
      const story = `${early.toFixed(0)} MB when settled, ${late.toFixed(0)} MB at the end`;
      assert.ok(late <= (1 + FLAT) * early, story);
      const { values } = await untilStatus(peer, 'input', ({ values: counted }) => {
        const [received, processed, dropped] = ['received', 'processed', 'dropped'].map((key) =>
          Number(counted[`frames ${key}`]),
        );
        return received === processed! + dropped!;
      });
      assert.equal(values['frames failed'], '0');
      assert.ok(Number(values['frames unusable']) > 0);
      const answered = peer
        .messages('/localizer/hypotheses')
        .filter(({ header }) => (header as { readonly stamp: { readonly sec: number } }).stamp.sec === 2)
        .filter(({ hypotheses }) => (hypotheses as readonly { readonly image: string }[])[0]?.image === '0.jpg');
      assert.ok(answered.length >= GOOD / 2, `${answered.length} of ${GOOD} good frames among the bad are answered`);
      assert.equal((await node.end()).code, 0);
    });
  }
});
