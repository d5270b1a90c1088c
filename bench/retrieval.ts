/** @file From which size of map on does the approximate index pay, and what does it lose? `node dist/bench/retrieval.js [places...]` */
import { median } from '../src/math/statistics.ts';
import { ExactIndex } from '../src/retrieval/ExactIndex.ts';
import { HnswIndex } from '../src/retrieval/HnswIndex.ts';
import type { VectorIndex } from '../src/retrieval/VectorIndex.ts';
import { createClusteredVectors } from '../test/retrieval/clusteredVectors.ts';

const DIMENSION = 960;
const QUERIES = 100;
const K = 10;

const rowsOf = (matrix: Float32Array, from: number, to: number): Float32Array =>
  matrix.subarray(from * DIMENSION, to * DIMENSION);

async function fill(index: VectorIndex, rows: Float32Array): Promise<number> {
  const count = rows.length / DIMENSION;
  const start = performance.now();
  for (let from = 0; from < count; from += 1000) {
    const to = Math.min(count, from + 1000);
    await index.add(
      Array.from({ length: to - from }, (_, row) => from + row),
      rowsOf(rows, from, to),
    );
  }
  return (performance.now() - start) / 1000;
}

async function query(index: VectorIndex, queries: Float32Array): Promise<{ medianMs: number; found: Set<number>[] }> {
  const times: number[] = [];
  const found: Set<number>[] = [];
  for (let q = 0; q < QUERIES; q++) {
    const start = performance.now();
    const matches = await index.search(rowsOf(queries, q, q + 1), K);
    times.push(performance.now() - start);
    found.push(new Set(matches.map(({ place }) => place)));
  }
  return { medianMs: median(times), found };
}

const sizes = process.argv.slice(2).map(Number);
console.log(`${DIMENSION} dimensions, ${QUERIES} queries, recall@${K} against the exact index`);
for (const count of sizes.length > 0 ? sizes : [1000, 3000, 10_000]) {
  const rows = createClusteredVectors(count + QUERIES, DIMENSION, 1);
  const database = rowsOf(rows, 0, count);
  const queries = rowsOf(rows, count, count + QUERIES);
  const exact = new ExactIndex(DIMENSION);
  const hnsw = HnswIndex.create(DIMENSION);
  await fill(exact, database);
  const buildS = await fill(hnsw, database);
  const truth = await query(exact, queries);
  const approximate = await query(hnsw, queries);
  let hits = 0;
  approximate.found.forEach((places, q) => {
    hits += [...places].filter((place) => truth.found[q]!.has(place)).length;
  });
  console.log(
    `${count} places: exact ${truth.medianMs.toFixed(2)} ms, HNSW ${approximate.medianMs.toFixed(2)} ms (ratio ${(truth.medianMs / approximate.medianMs).toFixed(1)}), recall ${(hits / QUERIES / K).toFixed(4)}, built in ${buildS.toFixed(1)} s`,
  );
}
