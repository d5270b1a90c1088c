/** @file Verification of retrieved places: which are looked at, what they get, in which order they come back. */
import assert from 'node:assert/strict';
import { MapVerifier } from '../../src/map/MapVerifier.ts';
import type { PlaceFeatures } from '../../src/map/PlaceFeatureCache.ts';
import { axis } from '../support/placeBuilders.ts';
import { createScene, lookAt } from '../verification/syntheticGrids.ts';

describe('MapVerifier', () => {
  const scene = createScene(1);
  const query = lookAt(scene);
  const grids = new Map([
    [10, lookAt(createScene(2))],
    [20, lookAt(scene, { dx: 3 })],
    [40, lookAt(createScene(3))],
    [50, lookAt(scene)],
  ]);
  const matches = [10, 20, 30, 40, 50].map((place, rank) => ({ place, similarity: 0.9 - rank / 10 }));
  let verifier: MapVerifier;
  beforeEach(async () => {
    const read = (place: number): PlaceFeatures | null => {
      const local = grids.get(place);
      return local === undefined ? null : { local, descriptor: axis(place % 4, 4) };
    };
    verifier = await MapVerifier.create(read, { topK: 4 });
  });
  afterEach(() => verifier.dispose());

  it('verifies the best K, lifts the true place, leaves the others unverified', async () => {
    const verified = await verifier.verifyGrid(query, matches);
    assert.deepEqual(
      verified.map(({ place }) => place),
      [20, 10, 40, 30, 50],
    );
    assert.ok(verified[0]!.evidence > 150 && verified[0]!.evidence <= 300);
    assert.ok(verified[1]!.evidence < 40);
    // 30 holds no features, 50 lies behind the best four although it is the very image.
    assert.ok(Number.isNaN(verified[3]!.evidence) && Number.isNaN(verified[4]!.evidence));
    assert.deepEqual(
      verified.map(({ place, similarity }) => [place, similarity]).sort(),
      matches.map(({ place, similarity }) => [place, similarity]).sort(),
    );
  });

  it('puts a place that looks like the other candidates behind one that looks only like the query', async () => {
    const looks: Readonly<Record<number, readonly number[]>> = { 1: [0.6, 0.8], 2: [1, 0], 3: [0, 1] };
    const local = lookAt(createScene(2));
    const alike = await MapVerifier.create((place) => ({ local, descriptor: Float32Array.from(looks[place]!) }), {
      topK: 3,
    });
    const found = [
      { place: 1, similarity: 0.62 },
      { place: 2, similarity: 0.6 },
      { place: 3, similarity: 0.4 },
    ];
    const ranked = await alike.verifyGrid(query, found);
    assert.deepEqual(
      ranked.map(({ place }) => place),
      [2, 1, 3],
    );
    await alike.dispose();
  });

  it('gives the inliers of a place for pictures', async () => {
    const [shifted, missing] = await verifier.explain(query, [20, 30]);
    assert.equal(shifted!.inliers.length, 17 * 15);
    assert.equal(missing, null);
  });

  it('has nothing to say of no matches', async () => {
    assert.deepEqual(await verifier.verifyGrid(query, []), []);
  });
});
