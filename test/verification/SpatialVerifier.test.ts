/** @file What verification must accept, what it must refuse, and what must not disturb it. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createRandom } from '../../src/math/random.ts';
import { DEFAULT_CONSENSUS_OPTIONS, judgePair, SpatialVerifier } from '../../src/verification/SpatialVerifier.ts';
import { findConsensus, type Consensus } from '../../src/verification/findConsensus.ts';
import { quantizeGrid, type LocalGrid } from '../../src/verification/LocalGrid.ts';
import { matchGrids, selectMutual, type Correspondence } from '../../src/verification/matchGrids.ts';
import { COLUMNS, CHANNELS, createScene, lookAt, rearrange, ROWS } from './syntheticGrids.ts';

const CELLS = ROWS * COLUMNS;

function verify(query: LocalGrid, candidate: LocalGrid): Consensus {
  return judgePair(matchGrids(query, candidate), { query, candidate });
}

function constantGrid(value: number): LocalGrid {
  return { rows: ROWS, columns: COLUMNS, channels: CHANNELS, vectors: new Int8Array(CELLS * CHANNELS).fill(value) };
}

describe('spatial verification', () => {
  const scene = createScene(1);
  const query = lookAt(scene);
  const unrelated = Math.max(...[2, 3, 4, 5, 6].map((seed) => verify(query, lookAt(createScene(seed))).evidence));

  it('finds every location of an identical image in its place', () => {
    const { evidence, inliers, transform } = verify(query, query);
    assert.equal(inliers.length, CELLS);
    assert.ok(inliers.every((pair) => pair.query === pair.candidate));
    assert.deepEqual(transform, { scale: 1, shiftColumns: 0, shiftRows: 0 });
    assert.ok(Math.abs(evidence - CELLS) < 0.02 * CELLS, `evidence ${evidence}`);
  });

  it('finds what remains in view of a shifted image, and the shift', () => {
    const { inliers, transform } = verify(query, lookAt(scene, { dx: 6, dy: -2 }));
    // 14 of 20 columns and 13 of 15 rows are in both. A cell of the candidate lies 6 columns right of it in the query.
    assert.equal(inliers.length, 14 * 13);
    assert.deepEqual(transform, { scale: 1, shiftColumns: 6, shiftRows: -2 });
  });

  for (const zoom of [1.2, 1 / 1.2, 1.44, 1 / 1.44]) {
    it(`keeps most of an image scaled by ${zoom.toFixed(2)}`, () => {
      const { inliers, evidence, transform } = verify(query, lookAt(scene, { zoom, dx: 1 }));
      assert.ok(transform !== null && Math.abs(transform.scale / zoom - 1) < 0.05, `scale ${transform?.scale ?? 0}`);
      assert.ok(inliers.length > CELLS / 4, `${inliers.length} inliers`);
      assert.ok(evidence > 3 * unrelated, `${evidence} against ${unrelated}`);
    });
  }

  it('keeps most of a noisy image', () => {
    const { inliers } = verify(query, lookAt(scene, { noise: 0.5 }));
    assert.ok(inliers.length > 0.8 * CELLS, `${inliers.length} inliers`);
  });

  const mirror = (cell: number): number => cell - (cell % COLUMNS) + (COLUMNS - 1 - (cell % COLUMNS));
  const order = createRandom(5).shuffle(Array.from({ length: CELLS }, (_, cell) => cell));
  const tiles = createRandom(6).shuffle(Array.from({ length: 60 }, (_, tile) => tile));
  const shuffleTiles = (cell: number): number => {
    // Tiles of 2 x 2 cells in another order: each keeps its look and loses its place (the last row stays out).
    const [x, y] = [cell % COLUMNS, Math.floor(cell / COLUMNS)];
    const tile = tiles[(Math.floor(y / 2) % 6) * 10 + Math.floor(x / 2)]!;
    return (Math.floor(tile / 10) * 2 + (y % 2)) * COLUMNS + (tile % 10) * 2 + (x % 2);
  };
  const fakes: readonly (readonly [string, LocalGrid])[] = [
    ['a mirrored image', rearrange(query, mirror)],
    ['shuffled cells', rearrange(query, (cell) => order[cell]!)],
    ['shuffled tiles', rearrange(query, shuffleTiles)],
    ['a constant image', constantGrid(18)],
    ['a black image of zero vectors', constantGrid(0)],
    ['another scene', lookAt(createScene(7))],
  ];
  for (const [name, fake] of fakes) {
    it(`finds next to nothing in ${name}`, () => {
      const { inliers, evidence } = verify(query, fake);
      assert.ok(inliers.length < 0.12 * CELLS, `${inliers.length} inliers`);
      assert.ok(evidence < 0.1 * CELLS, `evidence ${evidence}`);
    });
  }

  it('gives the same evidence when query and candidate are swapped', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: -8, max: 8, noNaN: true }),
        fc.double({ min: 0.7, max: 1.4, noNaN: true }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        (seed, dx, zoom, noise) => {
          const [a, b] = [lookAt(createScene(seed)), lookAt(createScene(seed), { dx, zoom, noise, seed })];
          const [there, back] = [verify(a, b).evidence, verify(b, a).evidence];
          assert.ok(Math.abs(there - back) <= 0.02 * Math.max(there, back), `${there} and ${back}`);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('does not let rounding decide at the tolerance', () => {
    // 12 cells against 7 under a scale of 1.44 deviate by exactly 1.6 cells of the mean scale.
    const pairs = [
      { query: 0, candidate: 0, similarity: 1 },
      { query: 12, candidate: 7, similarity: 1 },
    ];
    const columns = { query: COLUMNS, candidate: COLUMNS };
    const swapped = pairs.map(({ query, candidate, similarity }) => ({
      query: candidate,
      candidate: query,
      similarity,
    }));
    for (const scale of [1.44, 1 / 1.44]) {
      const only = { scales: [scale], toleranceCells: 1.6 };
      const expected = scale > 1 ? 2 : 1;
      assert.equal(findConsensus(pairs, columns, only).evidence, expected);
      assert.equal(findConsensus(swapped, columns, only).evidence, 3 - expected);
    }
  });

  it('survives features that are not numbers, and single locations', () => {
    const broken = {
      rows: ROWS,
      columns: COLUMNS,
      channels: CHANNELS,
      data: new Float32Array(CELLS * CHANNELS).fill(NaN),
    };
    assert.equal(verify(query, quantizeGrid(broken)).evidence, 0);
    const single: LocalGrid = { rows: 1, columns: 1, channels: 2, vectors: Int8Array.of(127, 0) };
    assert.equal(verify(single, single).inliers.length, 1);
    assert.equal(
      verify(query, { ...single, channels: CHANNELS, vectors: query.vectors.slice(0, CHANNELS) }).inliers.length,
      1,
    );
  });
});

describe('findConsensus', () => {
  const options = DEFAULT_CONSENSUS_OPTIONS;

  /** All scales, the shift of every correspondence, every correspondence counted: no histogram. */
  function findNaively(pairs: readonly Correspondence[]): number {
    let best = 0;
    for (const scale of options.scales) {
      const shifts = pairs.map(({ query, candidate, similarity }) => ({
        x: ((query % COLUMNS) - scale * (candidate % COLUMNS)) / Math.sqrt(scale),
        y: (Math.floor(query / COLUMNS) - scale * Math.floor(candidate / COLUMNS)) / Math.sqrt(scale),
        similarity,
      }));
      for (const centre of shifts) {
        const near = shifts.filter(
          ({ x, y }) => Math.max(Math.abs(x - centre.x), Math.abs(y - centre.y)) <= options.toleranceCells + 1e-9,
        );
        best = Math.max(
          best,
          near.reduce((sum, { similarity }) => sum + similarity, 0),
        );
      }
    }
    return best;
  }

  const pairs = fc.array(
    fc.record({
      query: fc.nat(CELLS - 1),
      candidate: fc.nat(CELLS - 1),
      similarity: fc.double({ min: 0.1, max: 1, noNaN: true }),
    }),
    {
      maxLength: 60,
    },
  );

  it('finds the same evidence as trying everything', () => {
    fc.assert(
      fc.property(pairs, (drawn) => {
        const { evidence, inliers } = findConsensus(drawn, { query: COLUMNS, candidate: COLUMNS }, options);
        assert.ok(Math.abs(evidence - findNaively(drawn)) < 1e-9);
        const sum = inliers.reduce((total, { similarity }) => total + similarity, 0);
        assert.ok(Math.abs(evidence - sum) < 1e-9, 'evidence is the sum of the inliers');
      }),
    );
  });

  it('finds nothing in nothing', () => {
    assert.deepEqual(findConsensus([], { query: COLUMNS, candidate: COLUMNS }, options), {
      evidence: 0,
      inliers: [],
      transform: null,
    });
  });
});

describe('selectMutual', () => {
  it('keeps pairs that choose each other and resemble each other at all', () => {
    const nearest = {
      forward: Int32Array.of(2, 0, 0, 1),
      backward: Int32Array.of(1, 3, 0),
      similarity: Float32Array.of(0.5, 0.25, 0.9, 0),
    };
    // 0 <-> 2 and 1 <-> 0 agree; 2 -> 0 is not returned; 3 <-> 1 agree without resemblance.
    assert.deepEqual(selectMutual(nearest), [
      { query: 0, candidate: 2, similarity: 0.5 },
      { query: 1, candidate: 0, similarity: 0.25 },
    ]);
  });
});

describe('SpatialVerifier', () => {
  it('verifies candidates of several grid sizes at once, and passes over other channels', async () => {
    const query = lookAt(createScene(1));
    const half: LocalGrid = { ...query, rows: 7, vectors: query.vectors.slice(0, 7 * COLUMNS * CHANNELS) };
    const other: LocalGrid = { rows: 1, columns: 1, channels: 3, vectors: new Int8Array(3) };
    const results = await new SpatialVerifier().verify(query, [half, other, query]);
    assert.equal(results[0]!.inliers.length, 7 * COLUMNS);
    assert.equal(results[1], null);
    assert.equal(results[2]!.inliers.length, CELLS);
  });
});
