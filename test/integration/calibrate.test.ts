/** @file `netvlad map calibrate` on a real map through the command line: by its own images, by queries, and back. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvaluationDocument } from '../../src/evaluation/EvaluationDocument.ts';
import type { PlaceCalibration } from '../../src/localization/PlaceCalibration.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { runNetvlad } from '../support/runNetvlad.ts';
import { sharedPath } from '../support/sharedData.ts';

describe('netvlad map calibrate', function () {
  this.timeout(240_000);
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-calibrate-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  async function ask<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await runNetvlad([...args, '--json']);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as T;
  }

  it('learns from queries with positions what the map cannot know of itself, stores it, and judges by it', async function () {
    const campus = sharedPath(this, 'data', 'nakamura_campus_robot');
    const path = join(folder, 'campus.vprmap');
    await ask('map', 'build', campus, '--role', 'database', '--out', path);
    const own = await ask<PlaceCalibration>('map', 'calibrate', path);
    assert.equal(own.method, 'leave-one-out');
    const learned = await ask<PlaceCalibration>('map', 'calibrate', path, '--queries', campus, '--role', 'query');
    assert.equal(learned.method, 'queries');
    assert.deepEqual(learned.samples, { retrievals: 36, right: 36, impostors: 36 });
    // Queries lie between the places, 3 m from the nearest; in leave-one-out the nearest is 6 m away.
    assert.ok(learned.samePlaceDistance!.p50 < own.samePlaceDistance!.p50);
    assert.ok(learned.positionErrorSpacings <= own.positionErrorSpacings);

    const map = PlaceMap.open(path);
    assert.deepEqual(map.calibration, learned);
    map.close();
    const info = await runNetvlad(['map', 'info', path]);
    assert.match(info.stdout, /queries/);
    const judged = await ask<EvaluationDocument>('evaluate', '--map', path, '--queries', campus, '--role', 'query');
    assert.ok(judged.acceptance!.accepted >= 0.8 && judged.acceptance!.precision === 1);
    assert.ok(judged.calibration!.ece <= 0.08, `ECE ${judged.calibration!.ece}`);
    assert.equal(judged.states!.located, judged.acceptance!.accepted);
    assert.ok(judged.insideEllipse95! >= 0.9 && judged.firstLocated !== null);

    assert.deepEqual(await ask('map', 'calibrate', path), own);
  });

  it('refuses queries for a map without positions, and says what to do', async function () {
    const corridor = sharedPath(this, 'data', 'corridor_fisheye');
    const path = join(folder, 'corridor.vprmap');
    await ask('map', 'build', corridor, '--role', 'database', '--out', path, '--no-calibration');
    const { code, stderr } = await runNetvlad(['map', 'calibrate', path, '--queries', corridor, '--role', 'query']);
    assert.notEqual(code, 0);
    assert.match(stderr, /has no positions[^]*leave out --queries/);
  });
});
