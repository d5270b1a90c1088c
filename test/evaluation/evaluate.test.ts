import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GeotaggedImage, GeotaggedImageSource } from '../../src/datasets/GeotaggedImage.ts';
import { evaluateDescriptors, type DescriptorSet } from '../../src/evaluation/evaluateDescriptors.ts';
import { evaluateMap } from '../../src/evaluation/evaluateMap.ts';
import { judgeRetrieval } from '../../src/evaluation/judgeRetrieval.ts';
import type { JudgedImage, TruthCriterion } from '../../src/evaluation/truthCriterion.ts';
import { planarPose } from '../../src/geo/poseAlgebra.ts';
import type { Decision, Localizer, Observation } from '../../src/localization/Localizer.ts';
import { buildMap } from '../../src/map/buildMap.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { ExactIndex } from '../../src/retrieval/ExactIndex.ts';
import { colourImage, createColourModel, imageOf, type Colour } from '../support/colourModel.ts';

const sourceOf = (images: readonly GeotaggedImage[]): GeotaggedImageSource => ({
  description: 'test images',
  count: images.length,
  async *[Symbol.asyncIterator]() {
    await Promise.resolve();
    yield* images;
  },
});

const RED: Colour = [250, 20, 20];
const GREEN: Colour = [20, 250, 20];
const BLUE: Colour = [20, 20, 250];
const REDDISH: Colour = [240, 60, 20];
const at = (x: number, y: number): Partial<GeotaggedImage> => ({ local: { x, y, z: 0 } });

/** Accepts what is similar enough; its confidence is the similarity. */
const similarityGate: Localizer = {
  process({ stampNs, matches }: Observation): Decision {
    const [best] = matches;
    const facts = { stampNs, confidence: best?.similarity ?? 0, reason: 'test', hypotheses: [] };
    return facts.confidence > 0.99
      ? { ...facts, state: 'located', pose: null, covariance: null }
      : { ...facts, state: 'lost' };
  },
  reset: () => undefined,
};

describe('evaluateMap', () => {
  let folder: string;
  let map: PlaceMap;
  let index: ExactIndex;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-evaluate-'));
    const database = [
      await colourImage('red.jpg', RED, { ...at(0, 0), frame: 0, place: 'r' }),
      await colourImage('green.jpg', GREEN, { ...at(100, 0), frame: 1, place: 'g' }),
      await colourImage('blue.jpg', BLUE, { ...at(200, 0), frame: 2, place: 'b' }),
      await colourImage('blue2.jpg', BLUE, { ...at(200, 0), frame: 3, place: 'b' }),
    ];
    const out = join(folder, 'colours.vprmap');
    await buildMap(sourceOf(database), createColourModel(), { out });
    map = PlaceMap.open(out);
    index = new ExactIndex(map.dimension);
    await index.add(
      map.places.map(({ id }) => id),
      map.descriptors,
    );
  });
  after(() => {
    map.close();
    rmSync(folder, { recursive: true });
  });

  const evaluate = async (
    images: readonly GeotaggedImage[],
    options: { criterion: TruthCriterion; uniqueBy?: 'position' },
    localizer: Localizer | null = null,
  ): ReturnType<typeof evaluateMap> =>
    evaluateMap(
      sourceOf(images),
      { map, index, model: createColourModel(), verifier: null, localizer },
      { ns: [1, 2], ...options },
    );

  it('judges by radius: a hit, a miss that the second match saves, a query far from the map', async () => {
    const { document: report, perQuery } = await evaluate(
      [
        await colourImage('q0.jpg', GREEN, at(103, 4)), // green is 5 m away: right at once
        await colourImage('q1.jpg', REDDISH, at(100, 0)), // looks red, is at green: red first, green second
        await colourImage('q2.jpg', BLUE, at(900, 0)), // no truth
        imageOf('broken.jpg', new Uint8Array(0), at(0, 0)),
      ],
      { criterion: { kind: 'radius', radiusM: 25 } },
    );
    assert.deepEqual([report.queries, report.queriesWithTruth, report.database], [3, 2, 4]);
    assert.deepEqual(report.recall, { 1: 1 / 2, 2: 1 });
    assert.deepEqual(report.recallAllQueries, { 1: 1 / 3, 2: 2 / 3 });
    assert.deepEqual(report.chance[1], 1 / 4);
    assert.deepEqual(
      report.skipped.map(({ where }) => where),
      ['broken.jpg'],
    );
    assert.deepEqual(
      perQuery.map(({ rankOfTruth, matches }) => [rankOfTruth, matches[0]!.image, matches[0]!.distanceM]),
      [
        [1, 'green.jpg', 5],
        [2, 'red.jpg', 100],
        [null, 'blue.jpg', 700],
      ],
    );
    assert.deepEqual(report.positionErrorM, { median: 100, p90: 580 });
    assert.equal(report.criterion, 'within 25 m');
  });

  it('accepts by similarity only down to the first wrong answer', async () => {
    const { document: report } = await evaluate(
      [
        await colourImage('a.jpg', RED, { frame: 0 }), // similarity 1, right
        await colourImage('b.jpg', GREEN, { frame: 1 }), // similarity 1, right
        await colourImage('c.jpg', REDDISH, { frame: 2 }), // less similar, wrong
        await colourImage('d.jpg', [200, 110, 20], { frame: 0 }), // even less, right
      ],
      { criterion: { kind: 'frames', frames: 0 } },
      similarityGate,
    );
    assert.equal(report.acceptedAtPrecision99.similarity, 2 / 4);
    assert.equal(report.acceptedAtPrecision99.evidence, null, 'nothing was verified');
    assert.deepEqual(report.acceptance, { accepted: 2 / 4, precision: 0 }, 'it named no hypothesis: none is right');
    assert.equal(
      report.calibration!.bins.reduce((sum, { count }) => sum + count, 0),
      4,
    );
  });

  it('counts places, not views, on request', async () => {
    const query = await colourImage('q.jpg', [20, 60, 240], { place: 'g' });
    const criterion: TruthCriterion = { kind: 'place' };
    assert.deepEqual(
      (await evaluate([query], { criterion })).document.recall,
      { 1: 0, 2: 0 },
      'blue and its other view',
    );
    assert.deepEqual((await evaluate([query], { criterion, uniqueBy: 'position' })).document.recall, { 1: 0, 2: 1 });
  });

  it('says what is missing when nothing can be judged', async () => {
    const bare = await colourImage('q.jpg', RED);
    const cases: readonly { criterion: TruthCriterion; expected: RegExp }[] = [
      { criterion: { kind: 'radius', radiusM: 25 }, expected: /No query has a true match .*within 25 m/ },
      { criterion: { kind: 'frames', frames: 2 }, expected: /within \+-2 frames/ },
      { criterion: { kind: 'place' }, expected: /same place name/ },
      {
        criterion: { kind: 'pairs', file: 'p.json', pairs: new Map([['x.jpg', ['red.jpg']]]) },
        expected: /p\.json names 1 unknown image: query x\.jpg/,
      },
    ];
    for (const { criterion, expected } of cases) await assert.rejects(evaluate([bare], { criterion }), expected);
    await assert.rejects(evaluate([], { criterion: { kind: 'place' } }), /test images gives no query/);
  });

  it('gives the same document every time', async () => {
    const images = await Promise.all(
      [RED, GREEN, BLUE, REDDISH].map((c, i) => colourImage(`${i}.jpg`, c, { frame: i })),
    );
    const run = async (): Promise<unknown> => {
      const report = await evaluate(images, { criterion: { kind: 'frames', frames: 1 } });
      const { msPerQuery, ...document } = report.document;
      assert.ok(msPerQuery.total > 0);
      return [document, report.perQuery];
    };
    assert.deepEqual(await run(), await run());
  });
});

describe('judgeRetrieval', () => {
  it('says in which states the localizer was, when it was located first, and whether its ellipses hold the truth', () => {
    const states = ['lost', 'uncertain', 'located', 'off_map', 'located'] as const;
    const image = (name: string, x: number): JudgedImage => ({
      ...{ image: name, sequence: null, frame: null, label: null },
      pose: planarPose(x, 0, 0),
    });
    const { document, perQuery } = judgeRetrieval(
      {
        criterion: { kind: 'radius', radiusM: 25 },
        queries: states.map((_, i) => image(`q${i}`, 10 * i)),
        database: [image('d', 0)],
        truth: states.map(() => new Set([0])),
        answers: states.map((state, i) => ({
          found: [],
          decision: {
            ...{ state, confidence: 0.5, reason: 'test', row: 0, stampNs: 1_500_000_000n * BigInt(i) },
            // Two metres off along x, where sigma is 1 m; the last one across, where it is 0.5 m: 2 and 4 sigmas.
            position: i === 4 ? { x: 40, y: 2 } : { x: 10 * i + 2, y: 0 },
            covariance: { xx: 1, xy: 0, yy: 0.25 },
          },
        })),
      },
      { model: null, map: null, querySource: 'test', skipped: [], msPerQuery: { total: 0, search: 0, verify: 0 } },
    );
    assert.deepEqual(document.states, { located: 0.4, uncertain: 0.2, lost: 0.2, off_map: 0.2 });
    assert.deepEqual(document.firstLocated, { queries: 3, seconds: 3 });
    assert.equal(document.insideEllipse95, 0.5);
    assert.deepEqual(
      perQuery.map(({ decision }) => decision!.isInsideEllipse95),
      [true, true, true, true, false],
    );
  });
});

describe('evaluateDescriptors', () => {
  const set = (path: string, rows: readonly (readonly number[])[], positions?: readonly number[]): DescriptorSet => ({
    path,
    descriptors: { shape: [rows.length, rows[0]!.length], data: Float64Array.from(rows.flat()) },
    positions: positions === undefined ? null : { shape: [rows.length, 2], data: Float64Array.from(positions) },
  });
  const database = set('d.npy', [
    [2, 0], // lengths do not matter
    [0, 1],
    [-1, 0],
  ]);

  it('searches by direction and judges by pairs', async () => {
    const queries = set('q.npy', [
      [1, 0.1],
      [0.1, -1],
    ]);
    const pairs = new Map([
      ['0', [0]],
      ['1', [2]],
    ]);
    const { document: report } = await evaluateDescriptors(database, queries, {
      criterion: { kind: 'pairs', file: 'p.json', pairs },
      ns: [1, 2],
    });
    // q1 points down and a little right: [2, 0] is nearest, then [-1, 0], then [0, 1].
    assert.deepEqual(report.recall, { 1: 1 / 2, 2: 1 });
    assert.equal(report.map, null);
  });

  it('judges by positions', async () => {
    const placed = set(
      'd.npy',
      [
        [1, 0],
        [0, 1],
      ],
      [583_000, 4_477_000, 583_000, 4_477_030],
    );
    const queries = set(
      'q.npy',
      [
        [1, 0],
        [1, 0],
      ],
      [583_000, 4_477_024.9, 583_000, 4_477_055.1],
    );
    const { document: report } = await evaluateDescriptors(placed, queries, {
      criterion: { kind: 'radius', radiusM: 25 },
      ns: [1],
    });
    assert.deepEqual([report.queriesWithTruth, report.recall[1]], [1, 1]);
  });

  it('says which shapes do not fit', async () => {
    const criterion: TruthCriterion = { kind: 'frames', frames: 0 };
    await assert.rejects(
      evaluateDescriptors(database, set('q.npy', [[1, 0, 0]]), { criterion }),
      /2 numbers in d\.npy, 3 in/,
    );
    const flat: DescriptorSet = {
      path: 'f.npy',
      descriptors: { shape: [2], data: Float64Array.of(1, 2) },
      positions: null,
    };
    await assert.rejects(evaluateDescriptors(database, flat, { criterion }), /f\.npy has the shape \[2\]; expected/);
  });
});
