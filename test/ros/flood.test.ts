/** @file Malformed messages at full rate: the process lives, memory stays, good frames in between are answered. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { listenToDiagnostics, untilStatus } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph, PROJECT } from './support/project.ts';
import { RosPeer } from './support/RosPeer.ts';
import { reliable } from './support/whilePublishing.ts';

/** FLOOD=100000 for the long run. */
const COUNT = Number(process.env.FLOOD ?? 3000);

function readResidentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function flood(args: readonly string[]): Promise<void> {
  const script = path.join(PROJECT, 'test', 'ros', 'peers', 'flood.py');
  const [code] = (await once(spawn('python3', [script, ...args], { stdio: 'ignore' }), 'exit')) as [number | null];
  assert.equal(code, 0);
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
      await flood([transport, topic, String(Math.ceil(COUNT / 3)), good]);
      const before = readResidentMb(node.pid);
      await flood([transport, topic, String(COUNT), good]);
      const after = readResidentMb(node.pid);
      assert.ok(node.isAlive, node.log);
      assert.ok(after < before * 1.25 + 20, `${before.toFixed(0)} MB, then ${after.toFixed(0)} MB`);
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
      assert.ok(answered.length > 0, 'good frames among the bad');
      assert.equal((await node.end()).code, 0);
    });
  }
});
