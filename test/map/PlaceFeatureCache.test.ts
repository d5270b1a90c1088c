/** @file The cache of places' features: bounded, least recently used first out. */
import assert from 'node:assert/strict';
import { PlaceFeatureCache, type PlaceFeatures } from '../../src/map/PlaceFeatureCache.ts';

/** 1000 bytes: 600 of local features and 100 numbers of a descriptor. */
const FEATURES: PlaceFeatures = {
  local: { rows: 1, columns: 600, channels: 1, vectors: new Int8Array(600) },
  descriptor: new Float32Array(100),
};

describe('PlaceFeatureCache', () => {
  it('reads a place once and forgets the least recently used beyond its bound', () => {
    const reads: number[] = [];
    const cache = new PlaceFeatureCache((place) => {
      reads.push(place);
      return FEATURES;
    }, 3300);
    for (const place of [1, 2, 3, 1, 4, 1, 2]) assert.equal(cache.get(place), FEATURES);
    // 4 pushes out 2 (1 was used again); reading 2 once more pushes out 3.
    assert.deepEqual(reads, [1, 2, 3, 4, 2]);
    assert.ok(cache.bytes > 3000 && cache.bytes <= 3300);
    cache.get(4);
    assert.deepEqual(reads, [1, 2, 3, 4, 2]);
  });

  it('remembers places without features', () => {
    let reads = 0;
    const cache = new PlaceFeatureCache(() => {
      reads++;
      return null;
    });
    assert.equal(cache.get(1), null);
    assert.equal(cache.get(1), null);
    assert.equal(reads, 1);
  });

  it('holds a single place even when it is larger than the bound', () => {
    const cache = new PlaceFeatureCache(() => FEATURES, 10);
    assert.equal(cache.get(1), FEATURES);
    assert.equal(cache.get(2), FEATURES);
    assert.ok(cache.bytes < 1100);
  });
});
