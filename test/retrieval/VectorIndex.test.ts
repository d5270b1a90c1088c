/** @file The contract of the port, held by every index; the approximate one is also held against the exact one. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NetvladError } from '../../src/errors.ts';
import { ExactIndex } from '../../src/retrieval/ExactIndex.ts';
import { HnswIndex } from '../../src/retrieval/HnswIndex.ts';
import type { Match, VectorIndex } from '../../src/retrieval/VectorIndex.ts';
import { createClusteredVectors } from './clusteredVectors.ts';

const INDEXES: readonly (readonly [string, (dimension: number) => VectorIndex])[] = [
  ['ExactIndex', (dimension) => new ExactIndex(dimension)],
  ['HnswIndex', (dimension) => HnswIndex.create(dimension)],
];

/** Everything scored, everything sorted. */
function searchNaively(
  rows: readonly (readonly number[])[],
  query: { places: readonly number[]; vector: readonly number[]; k: number },
): Match[] {
  return rows
    .map((row, at) => ({
      place: query.places[at]!,
      similarity: row.reduce((sum, value, d) => sum + Math.fround(value) * Math.fround(query.vector[d]!), 0),
    }))
    .sort((a, b) => b.similarity - a.similarity || a.place - b.place)
    .slice(0, query.k);
}

/** Small integers: dot products are exact and ties are frequent. */
const cases = fc.integer({ min: 1, max: 5 }).chain((dimension) =>
  fc.record({
    dimension: fc.constant(dimension),
    places: fc.uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 40 }),
    vectors: fc.array(fc.array(fc.integer({ min: -2, max: 2 }), { minLength: dimension, maxLength: dimension }), {
      minLength: 40,
      maxLength: 40,
    }),
    query: fc.array(fc.integer({ min: -2, max: 2 }), { minLength: dimension, maxLength: dimension }),
    k: fc.integer({ min: 0, max: 50 }),
    splitAt: fc.nat(40),
  }),
);

describe('ExactIndex', () => {
  it('agrees with scoring and sorting everything, ties by place id, however the places came in', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ dimension, places, vectors, query, k, splitAt }) => {
        const index = new ExactIndex(dimension);
        const rows = vectors.slice(0, places.length);
        const split = Math.min(splitAt, places.length);
        await index.add(places.slice(0, split), Float32Array.from(rows.slice(0, split).flat()));
        await index.add(places.slice(split), Float32Array.from(rows.slice(split).flat()));
        const matches = await index.search(Float32Array.from(query), k);
        assert.deepEqual(matches, searchNaively(rows, { places, vector: query, k }));
      }),
    );
  });
});

describe('HnswIndex', () => {
  const dimension = 96;
  const count = 3000;
  const rows = createClusteredVectors(count, dimension, 1);
  const queries = createClusteredVectors(count, dimension, 1).map((value, at) => value + 0.02 * Math.sin(at));
  const places = Array.from({ length: count }, (_, row) => 2 * row + 1);

  it('finds at least 99 % of the true ten nearest, growing from its first capacity', async () => {
    const exact = new ExactIndex(dimension);
    const hnsw = HnswIndex.create(dimension);
    for (let start = 0; start < count; start += 700) {
      const end = Math.min(count, start + 700);
      const batch = rows.subarray(start * dimension, end * dimension);
      await exact.add(places.slice(start, end), batch);
      await hnsw.add(places.slice(start, end), batch);
    }
    assert.equal(hnsw.size, count);
    let found = 0;
    for (let q = 0; q < 100; q++) {
      const query = queries.subarray(q * 30 * dimension, (q * 30 + 1) * dimension);
      const truth = new Map((await exact.search(query, 10)).map((match) => [match.place, match.similarity]));
      for (const { place, similarity } of await hnsw.search(query, 10)) {
        const expected = truth.get(place);
        if (expected === undefined) continue;
        found++;
        assert.ok(Math.abs(similarity - expected) < 1e-5);
      }
    }
    assert.ok(found >= 990, `${found} of 1000`);
  });
});

for (const [name, create] of INDEXES) {
  describe(`${name} as a VectorIndex`, () => {
    const axes = Float32Array.from([1, 0, 0, 0, 1, 0, 0, 0, 1, 0.6, 0.8, 0]);
    const filled = async (): Promise<VectorIndex> => {
      const index = create(3);
      await index.add([30, 10, 20, 5], axes);
      return index;
    };

    it('returns the best first, equal ones by place id', async () => {
      const matches = await (await filled()).search(Float32Array.of(1, 0, 0), 4);
      assert.deepEqual(
        matches.map(({ place }) => place),
        [30, 5, 10, 20],
      );
      assert.ok(Math.abs(matches[1]!.similarity - 0.6) < 1e-6);
    });

    it('returns what there is when k is larger, and nothing when it is empty', async () => {
      assert.equal((await (await filled()).search(Float32Array.of(1, 0, 0), 99)).length, 4);
      assert.deepEqual(await create(3).search(Float32Array.of(1, 0, 0), 5), []);
      assert.deepEqual(await (await filled()).search(Float32Array.of(1, 0, 0), 0), []);
    });

    it('honours a filter, however few places pass it', async () => {
      const index = create(8);
      const count = 400;
      await index.add(
        Array.from({ length: count }, (_, row) => row),
        createClusteredVectors(count, 8, 2),
      );
      const query = createClusteredVectors(1, 8, 3);
      const two = await index.search(query, 10, (place) => place === 17 || place === 390);
      assert.deepEqual(
        two.map(({ place }) => place).sort((a, b) => a - b),
        [17, 390],
      );
      assert.ok(two[0]!.similarity >= two[1]!.similarity);
    });

    const refusals: readonly (readonly [string, (index: VectorIndex) => Promise<unknown>, RegExp])[] = [
      ['a query of another dimension', (index) => index.search(new Float32Array(2), 1), /2 dimensions, the index 3/],
      ['a query with NaN', (index) => index.search(Float32Array.of(1, NaN, 0), 1), /NaN at position 1/],
      ['a batch of the wrong length', (index) => index.add([1, 2], new Float32Array(5)), /need 6 values, got 5/],
      [
        'a descriptor with infinity',
        (index) => index.add([1], Float32Array.of(1, 0, Infinity)),
        /Infinity at position 2/,
      ],
      ['a known place', (index) => index.add([10], new Float32Array(3)), /Place 10 is in the index already/],
      ['a place given twice', (index) => index.add([1, 1], new Float32Array(6)), /Place 1 is in the index already/],
      ['a place id that is no id', (index) => index.add([-1], new Float32Array(3)), /Place id -1/],
    ];
    for (const [what, act, message] of refusals) {
      it(`refuses ${what} and stays as it was`, async () => {
        const index = await filled();
        await assert.rejects(
          async () => act(index),
          (error) => error instanceof NetvladError && message.test(error.message),
        );
        assert.equal(index.size, 4);
        assert.equal((await index.search(Float32Array.of(0, 0, 1), 1))[0]!.place, 20);
      });
    }
  });
}
