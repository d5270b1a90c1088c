/** @file One switch for verification in every command, and what a map holds for it: all, some, or no local features. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { EvaluationDocument } from '../../src/evaluation/EvaluationDocument.ts';
import type { MapInfo } from '../../src/map/mapInfo.ts';
import { runNetvlad } from '../support/runNetvlad.ts';
import { sharedPath } from '../support/sharedData.ts';

const PLACES = 36;

describe('the switch of verification', function () {
  this.timeout(120_000);
  let folder = '';
  let images = '';
  let map = '';

  before(async function () {
    images = sharedPath(this, 'data', 'nakamura_campus_robot');
    folder = mkdtempSync(join(tmpdir(), 'netvlad-switch-'));
    map = await build('full.vprmap');
  });
  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  async function run(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runNetvlad(args);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  async function build(name: string, ...options: readonly string[]): Promise<string> {
    const out = join(folder, name);
    await run('map', 'build', images, '--role', 'database', '--no-calibration', '--out', out, ...options);
    return out;
  }

  /** Evidence of all places of a map for one query, as they are ranked. */
  async function query(path: string, ...options: readonly string[]): Promise<readonly (number | null)[]> {
    const image = join(images, 'image_1.png');
    const printed = await run('query', image, '--map', path, '-k', String(PLACES), '--json', ...options);
    const { queries } = JSON.parse(printed) as { queries: { matches: { evidence: number | null }[] }[] };
    return queries[0]!.matches.map(({ evidence }) => evidence);
  }

  const verified = (evidence: readonly (number | null)[]): number => evidence.filter((value) => value !== null).length;

  it('query: as many candidates as asked for are verified, and lead', async () => {
    for (const k of [0, 3, 20]) {
      const evidence = await query(map, '--verify', String(k));
      assert.equal(evidence.length, PLACES);
      assert.equal(verified(evidence), k);
      assert.equal(verified(evidence.slice(0, k)), k);
    }
  });

  it('evaluate: evidence is judged, or there is none', async () => {
    for (const [k, expected] of [
      [0, 'object'],
      [20, 'number'],
    ] as const) {
      const args = ['--queries', images, '--role', 'query', '--radius', '6', '--json', '--verify', String(k)];
      const document = JSON.parse(await run('evaluate', '--map', map, ...args)) as EvaluationDocument;
      assert.equal(typeof document.acceptedAtPrecision99.evidence, expected);
    }
  });

  it('replay: evidence reaches the results, or is off', async function () {
    const bag = sharedPath(this, 'data', 'bags', 'fiducials_compressed_image.bag');
    for (const [k, expected] of [
      [0, 0],
      [PLACES, 1],
    ] as const) {
      const report = join(folder, `report-${k}`);
      await run('replay', bag, '--map', map, '--report', report, '--verify', String(k));
      const frames = parse<{ evidence: string }>(readFileSync(join(report, 'frames.csv')), { columns: true });
      assert.equal(frames.length, 1);
      assert.equal(frames.filter(({ evidence }) => evidence !== '').length, expected);
    }
  });

  it('a map without local features is used without verification', async () => {
    const bare = await build('bare.vprmap', '--no-local');
    assert.equal(verified(await query(bare, '--verify', '20')), 0);
    assert.match(await run('map', 'info', bare), /local features +none/);
  });

  it('a map with a budget verifies the places that it has room for, and tells', async () => {
    const half = await build('half.vprmap', '--local-budget', '600KB');
    const info = JSON.parse(await run('map', 'info', half, '--json')) as MapInfo;
    // 600,000 / 28,800 = 20.8 places at most, and four fifths of that at least.
    assert.ok(info.withLocalFeatures <= 20 && info.withLocalFeatures >= 16, String(info.withLocalFeatures));
    assert.ok(info.tableBytes.local_features < 640_000);
    assert.equal(verified(await query(half, '--verify', String(PLACES))), info.withLocalFeatures);
  });
});
