/** @file A bound on the bytes of local features: in the file while it grows, and in memory while it is read. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { formatMapInfo } from '../../src/cli/formatMapInfo.ts';
import { keepsLocalFeatures } from '../../src/map/localBudget.ts';
import { PlaceFeatureCache } from '../../src/map/PlaceFeatureCache.ts';
import { readMapInfo } from '../../src/map/mapInfo.ts';
import { createMapManifest, toMapModel } from '../../src/map/MapManifest.ts';
import { MapWriter } from '../../src/map/MapWriter.ts';
import type { NewPlace } from '../../src/map/Place.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { verifyMap } from '../../src/map/verifyMap.ts';
import { axis, modelManifest, newPlace } from '../support/placeBuilders.ts';

const MODEL = toMapModel(modelManifest('test-model', 4));
/** 3 x 10 x 32 = 960 bytes a place. */
const FEATURE_BYTES = 960;

function placeWithFeatures(at: number): NewPlace {
  const vectors = new Int8Array(FEATURE_BYTES).fill(at % 128);
  return { ...newPlace(`${at}.jpg`, axis(at % 4, 4)), local: { rows: 3, columns: 10, channels: 32, vectors } };
}

const placesFrom = (start: number, count: number): NewPlace[] =>
  Array.from({ length: count }, (_, offset) => placeWithFeatures(start + offset));

describe('budget of local features', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-budget-'));
    path = join(folder, 'city.vprmap');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function storedIds(): number[] {
    const map = PlaceMap.open(path);
    const ids = map.places.map(({ id }) => id).filter((id) => map.localFeatures(id) !== null);
    map.close();
    return ids;
  }

  it('holds after every append, is used to three quarters, and lies evenly along the places', () => {
    const budget = 100 * FEATURE_BYTES;
    const writer = MapWriter.create(path, createMapManifest(MODEL, { localBudgetBytes: budget }));
    writer.append(placesFrom(0, 100));
    assert.equal(storedIds().length, 100, 'exactly the budget: nothing is left out yet');
    for (let start = 100; start < 1000; start += 36) {
      writer.append(placesFrom(start, Math.min(36, 1000 - start)));
      const stored = storedIds().length;
      assert.ok(stored <= 100 && stored >= 75, `${stored} places with features`);
    }
    writer.close();
    const ids = storedIds();
    // 1000 places, at least 75 of them: neighbours are 14 places apart on average, never twice as many.
    const gaps = [...ids, 1001].map((id, at) => id - (ids[at - 1] ?? 0));
    assert.ok(Math.max(...gaps) < 28, `a gap of ${Math.max(...gaps)}`);
    // Four headings a panorama: each keeps its part.
    const byHeading = [0, 1, 2, 3].map((heading) => ids.filter((id) => id % 4 === heading).length);
    assert.ok(Math.min(...byHeading) >= 0.2 * ids.length, String(byHeading));
  });

  it('holds for what is added to the map later, and is told', () => {
    const budget = 20 * FEATURE_BYTES;
    MapWriter.create(path, createMapManifest(MODEL, { localBudgetBytes: budget })).close();
    for (let round = 0; round < 5; round++) {
      const writer = MapWriter.open(path);
      writer.append(placesFrom(20 * round, 20));
      writer.close();
      assert.ok(storedIds().length <= 20);
    }
    const info = readMapInfo(path);
    assert.equal(info.withLocalFeatures, storedIds().length);
    assert.match(
      formatMapInfo(info),
      new RegExp(
        `local features +[\\d.]+ kB, [\\d.]+ kB a place, ${info.withLocalFeatures} of 100 places, budget 19\\.2 kB`,
      ),
    );
    assert.deepEqual(
      verifyMap(path).flatMap(({ problems }) => problems),
      [],
    );
  });

  it('may be too small for a single place: then there are places, and no features', () => {
    const writer = MapWriter.create(path, createMapManifest(MODEL, { localBudgetBytes: 10 }));
    writer.append(placesFrom(0, 5));
    writer.close();
    assert.deepEqual(storedIds(), []);
    assert.equal(readMapInfo(path).places, 5);
  });

  it('keeps what a larger share keeps', () => {
    for (let id = 1; id < 2000; id++) {
      if (keepsLocalFeatures(id, 0.3)) assert.ok(keepsLocalFeatures(id, 0.5));
      assert.ok(keepsLocalFeatures(id, 1));
    }
  });
});

describe('features of a map larger than the memory given to them', () => {
  it('are all read while only the bound stays in memory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'netvlad-memory-'));
    const path = join(folder, 'large.vprmap');
    // 64 MB of features: places of 64 kB.
    const vectors = new Int8Array(2 ** 16);
    const local = { rows: 32, columns: 32, channels: 64, vectors };
    const writer = MapWriter.create(path, createMapManifest(MODEL));
    for (let batch = 0; batch < 16; batch++) {
      writer.append(Array.from({ length: 64 }, (_, at) => ({ ...newPlace(`${batch}-${at}.jpg`, axis(0, 4)), local })));
    }
    writer.close();
    assert.ok(statSync(path).size > 60 * 2 ** 20);
    const map = PlaceMap.open(path);
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const held = async (): Promise<number> => {
      collectGarbage();
      await new Promise(setImmediate); // buffers are freed after the collection, in a task of their own
      collectGarbage();
      return process.memoryUsage().external;
    };
    const before = await held();
    const limit = 4 * 2 ** 20;
    const cache = new PlaceFeatureCache((place) => map.features(place), limit);
    for (let round = 0; round < 2; round++) {
      for (const { id } of map.places) assert.equal(cache.get(id)!.local.vectors.length, 2 ** 16);
      assert.ok(cache.bytes <= limit);
      const grown = (await held()) - before;
      assert.ok(grown < 2 * limit, `${grown} bytes more in memory`);
      assert.ok(grown > limit / 2, `${grown} bytes: the cache holds something`);
    }
    assert.equal(cache.get(map.places.at(-1)!.id), cache.get(map.places.at(-1)!.id), 'the same object: from memory');
    map.close();
    rmSync(folder, { recursive: true });
  });
});
