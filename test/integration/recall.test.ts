/** @file The default model on real photographs, through the real commands: recall must not fall below what was promised. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvaluationDocument } from '../../src/evaluation/EvaluationDocument.ts';
import { runNetvlad } from '../support/runNetvlad.ts';
import { sharedPath } from '../support/sharedData.ts';

interface Case {
  readonly set: string;
  readonly condition?: string;
  /** Before the roles `database` and `query`, e.g. `validation_`. */
  readonly split?: string;
  /** Options that say what is right; `{set}` stands for the folder of the set. */
  readonly truth: readonly string[];
  readonly queries: number;
  /** Candidates that are spatially verified; 0 judges the descriptor alone. */
  readonly verify: number;
  /** Least recall@N. The same network in PyTorch reaches more in every one of them. */
  readonly atLeast: Readonly<Record<number, number>>;
  /** Least share accepted at 99 % precision by evidence alone. */
  readonly accepted?: number;
}

const FRAMES = ['--frames', '5'];
const PAIRS = ['--ground-truth', '{set}/ground_truth.json'];
const day = { set: 'gardens_point', condition: 'day_left', truth: FRAMES, queries: 200 };
const night = { set: 'gardens_point', condition: 'night_right', truth: FRAMES, queries: 200 };
const corridor = { set: 'corridor_fisheye', truth: PAIRS, queries: 111 };
const streets = { set: 'cambridge_west', split: 'validation_', truth: ['--radius', '25'], queries: 212 };
const campus = { set: 'nakamura_campus_robot', truth: ['--radius', '6'], queries: 36 };

const CASES: readonly Case[] = [
  { ...day, verify: 0, atLeast: { 1: 0.985 } },
  { ...night, verify: 0, atLeast: { 1: 0.92, 5: 0.98 } },
  { ...night, verify: 20, atLeast: { 1: 0.97, 5: 0.97 }, accepted: 0.95 },
  { ...corridor, verify: 0, atLeast: { 1: 0.8 } },
  { ...corridor, verify: 20, atLeast: { 1: 0.93 }, accepted: 0.25 },
  { ...streets, verify: 0, atLeast: { 1: 0.79, 5: 0.91 } },
  { ...streets, verify: 20, atLeast: { 1: 0.82, 5: 0.92 }, accepted: 0.25 },
  { ...campus, verify: 0, atLeast: { 1: 0.94 } },
];

describe('recall of the default model', function () {
  this.timeout(180_000);
  let folder: string;
  const maps = new Map<string, string>();
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'netvlad-recall-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function mapOf({ set, split = '' }: Case, source: string): Promise<string> {
    const known = maps.get(set);
    if (known !== undefined) return known;
    const out = join(folder, `${set}.vprmap`);
    const run = await runNetvlad(['map', 'build', source, '--role', `${split}database`, '--out', out]);
    assert.equal(run.code, 0, run.stderr);
    maps.set(set, out);
    return out;
  }

  for (const asked of CASES) {
    const { set, condition, split = '', truth, queries, verify, atLeast, accepted } = asked;
    it(`${set} ${condition ?? ''}, ${verify === 0 ? 'descriptor alone' : `best ${verify} verified`}`, async function () {
      const source = sharedPath(this, 'data', set);
      const args = ['evaluate', '--map', await mapOf(asked, source), '--queries', source, '--json'];
      args.push('--role', `${split}query`, '--verify', String(verify));
      if (condition !== undefined) args.push('--condition', condition);
      args.push(...truth.map((option) => option.replace('{set}', source)));
      const run = await runNetvlad(args);
      assert.equal(run.code, 0, run.stderr);
      const document = JSON.parse(run.stdout) as EvaluationDocument;
      assert.deepEqual([document.queries, document.queriesWithTruth], [queries, queries]);
      for (const [n, least] of Object.entries(atLeast)) {
        const recall = document.recall[Number(n)]!;
        assert.ok(recall >= least, `recall@${n} is ${recall}, expected at least ${least}`);
        assert.ok(recall > 3 * document.chance[Number(n)]!, 'far above chance');
      }
      const { evidence } = document.acceptedAtPrecision99;
      if (verify === 0) assert.equal(evidence, null);
      if (accepted !== undefined)
        assert.ok(evidence! >= accepted, `evidence accepts ${evidence}, expected ${accepted}`);
    });
  }
});
