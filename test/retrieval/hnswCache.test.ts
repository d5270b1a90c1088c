/** @file The graph cache is used when it provably belongs to the map, and rebuilt in every other case. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCachedHnswIndex, type CachedHnswIndex, type HnswSource } from '../../src/retrieval/hnswCache.ts';
import { createClusteredVectors } from './clusteredVectors.ts';

const DIMENSION = 16;
const rows = createClusteredVectors(200, DIMENSION, 4);
const places = Array.from({ length: 200 }, (_, row) => row + 1);
const source: HnswSource = { fingerprint: 'abc', dimension: DIMENSION, places, readDescriptors: () => rows };

async function searchAll({ index }: CachedHnswIndex): Promise<unknown[]> {
  const results: unknown[] = [];
  for (let row = 0; row < 200; row += 10) {
    results.push(await index.search(rows.subarray(row * DIMENSION, (row + 1) * DIMENSION), 5));
  }
  return results;
}

describe('openCachedHnswIndex', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'netvlad-hnsw-'));
    path = join(folder, 'city.hnsw');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('builds and saves at first, reads the second time, answers alike, and can grow on', async () => {
    const first = await openCachedHnswIndex(path, source);
    assert.deepEqual([first.rebuilt, first.notSaved], ['there is no cache yet', null]);
    assert.deepEqual((await readdir(folder)).sort(), ['city.hnsw', 'city.hnsw.json']);
    const readDescriptors = (): never => assert.fail('the cache should have been enough');
    const second = await openCachedHnswIndex(path, { ...source, readDescriptors });
    assert.equal(second.rebuilt, null);
    assert.deepEqual(await searchAll(second), await searchAll(first));
    await second.index.add([999], rows.subarray(0, DIMENSION));
    assert.equal(second.index.size, 201);
  });

  const damages: readonly (readonly [string, () => Promise<unknown>, Partial<HnswSource>, RegExp])[] = [
    ['another map', () => Promise.resolve(), { fingerprint: 'xyz' }, /its fingerprint is abc, expected xyz/],
    [
      'a map with fewer places',
      () => Promise.resolve(),
      { places: places.slice(0, 100) },
      /its count is 200, expected 100/,
    ],
    ['a truncated graph', async () => writeFile(path, (await readFile(path)).subarray(0, 3000)), {}, /checksum/],
    ['a graph that is gone', () => rm(path), {}, /graph file cannot be read/],
    ['a header that is no JSON', () => writeFile(`${path}.json`, '{'), {}, /header cannot be read/],
  ];
  for (const [what, damage, change, reason] of damages) {
    it(`rebuilds for ${what}`, async () => {
      const fresh = await openCachedHnswIndex(path, source);
      await damage();
      const count = change.places?.length ?? places.length;
      const changed = { ...source, ...change, readDescriptors: () => rows.subarray(0, count * DIMENSION) };
      const rebuilt = await openCachedHnswIndex(path, changed);
      assert.match(rebuilt.rebuilt ?? '', reason);
      assert.equal(rebuilt.index.size, count);
      if (count === 200) assert.deepEqual(await searchAll(rebuilt), await searchAll(fresh));
      assert.equal((await openCachedHnswIndex(path, changed)).rebuilt, null);
    });
  }

  it('works without a place to save to, and says so', async () => {
    const result = await openCachedHnswIndex(join(folder, 'missing', 'city.hnsw'), source);
    assert.equal(result.index.size, 200);
    assert.notEqual(result.notSaved, null);
    assert.deepEqual(await readdir(folder), []);
  });
});
