/** @file Verification of retrieved places: which are looked at, what they get, in which order they come back. */
import assert from 'node:assert/strict';
import { MapVerifier } from '../../src/map/MapVerifier.ts';
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
    verifier = await MapVerifier.create((place) => grids.get(place) ?? null, { topK: 4 });
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

  it('gives the inliers of a place for pictures', async () => {
    const [shifted, missing] = await verifier.explain(query, [20, 30]);
    assert.equal(shifted!.inliers.length, 17 * 15);
    assert.equal(missing, null);
  });

  it('has nothing to say of no matches', async () => {
    assert.deepEqual(await verifier.verifyGrid(query, []), []);
  });
});
