/** @file The cache of local features: bounded, least recently used first out. */
import assert from 'node:assert/strict';
import { LocalFeatureCache } from '../../src/map/LocalFeatureCache.ts';
import type { LocalGrid } from '../../src/verification/LocalGrid.ts';

function gridOf(bytes: number): LocalGrid {
  return { rows: 1, columns: bytes, channels: 1, vectors: new Int8Array(bytes) };
}

describe('LocalFeatureCache', () => {
  it('reads a place once and forgets the least recently used beyond its bound', () => {
    const reads: number[] = [];
    const cache = new LocalFeatureCache((place) => {
      reads.push(place);
      return gridOf(1000);
    }, 3300);
    for (const place of [1, 2, 3, 1, 4, 1, 2]) assert.equal(cache.get(place)!.vectors.length, 1000);
    // 4 pushes out 2 (1 was used again); reading 2 once more pushes out 3.
    assert.deepEqual(reads, [1, 2, 3, 4, 2]);
    assert.ok(cache.bytes <= 3300);
    cache.get(4);
    assert.deepEqual(reads, [1, 2, 3, 4, 2]);
  });

  it('remembers places without features', () => {
    let reads = 0;
    const cache = new LocalFeatureCache(() => {
      reads++;
      return null;
    });
    assert.equal(cache.get(1), null);
    assert.equal(cache.get(1), null);
    assert.equal(reads, 1);
  });

  it('holds a single place even when it is larger than the bound', () => {
    const cache = new LocalFeatureCache(() => gridOf(1000), 10);
    assert.equal(cache.get(1)!.vectors.length, 1000);
    assert.equal(cache.get(2)!.vectors.length, 1000);
    assert.ok(cache.bytes < 1100);
  });
});
