/** @file `netvlad evaluate` on folders as the benchmark tools lay them out: positions in the names, or hloc's pairs. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvaluationDocument } from '../../src/evaluation/EvaluationDocument.ts';
import { encodePng } from '../../src/image/encode.ts';
import { runMain } from '../support/runMain.ts';
import { createPatternImage, writeTinyModel } from '../support/tinyModel.ts';

const PLACES = 5;
/** Neighbours are no true matches at the benchmarks' 25 m. */
const SPACING_M = 60;
/** From a place of the database to the query's camera. */
const ASIDE_M = 10;

const pad = (value: number): string => value.toFixed(2).padStart(10, '0');

/** Data set -> the name of an image at UTM coordinates, as its download tool writes it. */
const NAMES: Readonly<Record<string, (eastingM: number, northingM: number, note: string) => string>> = {
  'Pitts30k and Pitts250k': (e, n, note) => `@${pad(e)}@${pad(n)}@17@T@@@@@@@@@@${note}@.png`,
  'Tokyo 24/7': (e, n, note) => `@${pad(e)}@${pad(n)}@54@S@@@${note}@@@@@@201401@@.png`,
  MSLS: (e, n, note) => `@${pad(e)}@${pad(n)}@33@V@@@${note}@@@@@@@@.png`,
  'SF-XL': (e, n, note) => `@${pad(e)}@${pad(n)}@10@S@@@${note}@@90@@@@201311@@.png`,
  'the shortest form': (e, n, note) => `@${e}@${n}@${note}.png`,
};

describe('netvlad evaluate on benchmark folders', () => {
  let folder = '';
  let model = '';
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-benchmark-'));
    model = await writeTinyModel({ folder });
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  async function writeImages(role: string, nameOf: (place: number) => string): Promise<string> {
    const path = join(folder, role);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
    for (let place = 0; place < PLACES; place++) {
      writeFileSync(join(path, nameOf(place)), await encodePng(createPatternImage(place)));
    }
    return path;
  }

  async function evaluate(database: string, queries: string, ...truth: string[]): Promise<EvaluationDocument> {
    const map = join(folder, 'benchmark.vprmap');
    const built = await runMain(['map', 'build', database, '--out', map, '--model', model]);
    assert.equal(built.code, 0, built.stderr);
    const run = await runMain(['evaluate', '--map', map, '--model', model, '--queries', queries, '--json', ...truth]);
    assert.equal(run.code, 0, run.stderr);
    return JSON.parse(run.stdout) as EvaluationDocument;
  }

  for (const [dataset, nameOf] of Object.entries(NAMES)) {
    it(`${dataset}: right is within 25 m by the positions in the names`, async () => {
      const at = (place: number, asideM: number): string => {
        return nameOf(500_000 + SPACING_M * place, 4_000_000 + asideM, `image${place}`);
      };
      const database = await writeImages('database', (place) => at(place, 0));
      const queries = await writeImages('queries', (place) => at(place, ASIDE_M));
      const { queriesWithTruth, chance, recall, positionErrorM } = await evaluate(database, queries);
      assert.equal(queriesWithTruth, PLACES);
      assert.ok(Math.abs(chance[1]! - 1 / PLACES) < 1e-9, 'each query has one true match');
      assert.equal(recall[1], 1);
      // UTM shrinks the ground by up to 1 in 2,500.
      assert.ok(Math.abs(positionErrorM!.median - ASIDE_M) < 0.01 * ASIDE_M, `${positionErrorM!.median} m`);
    });
  }

  it('hloc: right is what the pairs file says', async () => {
    const database = await writeImages('database', (place) => `db${place}.png`);
    const queries = await writeImages('queries', (place) => `q${place}.png`);
    const pairs = join(folder, 'pairs-query-netvlad.txt');
    // The last query is said to show another place than it does.
    const lines = Array.from(
      { length: PLACES },
      (_, place) => `q${place}.png db${place === PLACES - 1 ? 0 : place}.png`,
    );
    writeFileSync(pairs, `${lines.join('\n')}\n`);
    const { recall, queriesWithTruth } = await evaluate(database, queries, '--ground-truth', pairs);
    assert.equal(queriesWithTruth, PLACES);
    assert.equal(recall[1], (PLACES - 1) / PLACES);
  });
});
