/** @file Whole data sets: the CSV and the recording tell the same, and an interrupted run leaves nothing. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBagSource } from '../../src/bags/openBagSource.ts';
import { openCsvSource } from '../../src/datasets/CsvSource.ts';
import { isDatasetProblem, type GeotaggedImage, type GeotaggedImageSource } from '../../src/datasets/GeotaggedImage.ts';
import { createDatum, toEnu } from '../../src/geo/LocalDatum.ts';
import { NetvladError } from '../../src/errors.ts';
import { silentProgress } from '../../src/Progress.ts';
import type { SimulationSettings } from '../../src/simulation/planTraverses.ts';
import { simulateTown } from '../../src/simulation/simulateTown.ts';

const settings: SimulationSettings = {
  seed: 7,
  frames: 3,
  conditions: ['day', 'overcast'],
  width: 64,
  height: 48,
  spacingM: 5,
  districts: 1,
  testDistricts: 0,
  blocks: { columns: 2, rows: 1 },
  excursion: false,
  deviation: 1,
  datum: { latDeg: 47.5, lonDeg: 8.5, altM: 430 },
  jpegQuality: 80,
};

async function collect(source: GeotaggedImageSource): Promise<GeotaggedImage[]> {
  const images: GeotaggedImage[] = [];
  for await (const item of source) {
    if (isDatasetProblem(item)) assert.fail(`${item.where}: ${item.problem}`);
    images.push(item);
  }
  return images;
}

describe('simulateTown', () => {
  let folder: string;
  const run = { signal: new AbortController().signal, progress: silentProgress };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'netvlad-town-'));
    await simulateTown(settings, { folder: join(folder, 'town'), bag: join(folder, 'drive.mcap') }, run);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('keeps a recording that is to lie in the folder of the data set', async () => {
    const output = { folder: join(folder, 'both'), bag: join(folder, 'both', 'bags', 'drive.mcap') };
    await simulateTown({ ...settings, frames: 2 }, output, run);
    const drive = await openBagSource(output.bag, { positionTopic: '/ground_truth' });
    assert.equal((await collect(drive)).length, 2);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('both')),
      ['both'],
    );
    await rm(output.folder, { recursive: true });
  });

  it('does not touch a recording that is not its own, and says so before it renders', async () => {
    const bag = join(folder, 'real.mcap');
    await writeFile(bag, 'a drive of last summer');
    const output = { folder: join(folder, 'other'), bag };
    await assert.rejects(simulateTown(settings, output, run), /real\.mcap exists and was not written by netvlad/);
    assert.equal(await readFile(bag, 'utf8'), 'a drive of last summer');
    assert.ok(!(await readdir(folder)).some((name) => name.startsWith('other')));
    await rm(bag);
  });

  it('writes a CSV source without problems, one role a traverse, geodetic and metric positions in agreement', async () => {
    const images = await collect(await openCsvSource(join(folder, 'town', 'index.csv')));
    assert.deepEqual(
      images.map(({ role }) => role),
      [...Array<string>(3).fill('database'), ...Array<string>(3).fill('query')],
    );
    const datum = createDatum(settings.datum);
    for (const { geo, local, stampNs, place } of images) {
      const at = toEnu(datum, geo!);
      assert.ok(Math.hypot(at.x - local!.x, at.y - local!.y) < 1e-3);
      assert.ok(stampNs !== null && place !== null);
    }
  });

  it('records the last traverse: same pictures, same stamps, same poses', async () => {
    const queries = await collect(await openCsvSource(join(folder, 'town', 'index.csv'), { role: 'query' }));
    const recorded = await collect(
      await openBagSource(join(folder, 'drive.mcap'), { positionTopic: '/ground_truth', baseFrame: 'base_link' }),
    );
    assert.equal(recorded.length, queries.length);
    for (const [i, query] of queries.entries()) {
      const frame = recorded[i]!;
      assert.equal(frame.stampNs, query.stampNs);
      assert.ok(Math.hypot(frame.local!.x - query.local!.x, frame.local!.y - query.local!.y) < 1e-3);
      const turn = frame.yawRad! - query.yawRad!;
      assert.ok(Math.abs(Math.atan2(Math.sin(turn), Math.cos(turn))) < 1e-4);
      assert.ok(frame.content.kind === 'frame' && query.content.kind === 'file');
      assert.deepEqual(Buffer.from(frame.content.frame.data), await readFile(query.content.path));
    }
  });

  it('makes the same bytes again', async () => {
    const again = join(folder, 'again');
    await simulateTown(settings, { folder: again, bag: join(folder, 'again.mcap') }, run);
    for (const name of ['town/index.csv', 'town/00_day/00002.jpg', 'town/01_overcast/00001.jpg', 'drive.mcap']) {
      const twin = name.replace('town', 'again').replace('drive', 'again');
      assert.deepEqual(await readFile(join(folder, twin)), await readFile(join(folder, name)), name);
    }
  });

  it('leaves nothing behind when interrupted', async () => {
    const abort = new AbortController();
    const progress = {
      ...silentProgress,
      update: () => {
        abort.abort(new NetvladError('interrupted', 'Interrupted.'));
      },
    };
    const before = await readdir(folder);
    await assert.rejects(
      simulateTown(
        { ...settings, frames: 12 },
        { folder: join(folder, 'cut'), bag: null },
        { signal: abort.signal, progress },
      ),
      { code: 'interrupted' },
    );
    assert.deepEqual(await readdir(folder), before);
  });

  it('refuses a folder that is in use', async () => {
    await assert.rejects(simulateTown(settings, { folder: join(folder, 'town'), bag: null }, run), /exists and holds/);
  });
});
