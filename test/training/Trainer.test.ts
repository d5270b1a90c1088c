import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GeotaggedImage } from '../../src/datasets/GeotaggedImage.ts';
import { createRandom } from '../../src/math/random.ts';
import { initializeParameters } from '../../src/netvlad/initializeParameters.ts';
import { GraphBuilder } from '../../src/onnx/GraphBuilder.ts';
import { floatTensor, type Graph, OPSET } from '../../src/onnx/graph.ts';
import { FeatureCache } from '../../src/training/FeatureCache.ts';
import { eachNeighbourhood, type TrainingImage } from '../../src/training/neighbourhoods.ts';
import { type EpochReport, Trainer, type TrainerHooks, type TrainerState } from '../../src/training/Trainer.ts';
import { TrainingNetwork } from '../../src/training/TrainingNetwork.ts';
import { TupleMiner } from '../../src/training/TupleMiner.ts';

const [CHANNELS, ROWS, COLUMNS, PLACES, VIEWS] = [6, 3, 4, 12, 4];

/** A linear "backbone" of one 1x1 convolution. */
function backbone(): Graph {
  const random = createRandom(5);
  const builder = new GraphBuilder();
  const image = builder.input('image', ['n', 3, 'height', 'width']);
  const lift = builder.initializer('lift', floatTensor(weights(random, CHANNELS * 3), [CHANNELS, 3, 1, 1]));
  const mix = builder.initializer('mix', floatTensor(weights(random, CHANNELS * CHANNELS), [CHANNELS, CHANNELS, 1, 1]));
  builder.op('Conv', [builder.op('Conv', [image, lift], {}, 'early'), mix], {}, 'map');
  builder.output('map', ['n', CHANNELS, 'rows', 'columns']);
  return builder.build('tiny');
}

const weights = (random: ReturnType<typeof createRandom>, count: number): Float32Array =>
  Float32Array.from({ length: count }, () => random.normal() * 0.5);

function createNetwork(): TrainingNetwork {
  const random = createRandom(6);
  const rows = (count: number): Float64Array => {
    const values = Float64Array.from({ length: count * CHANNELS }, () => random.normal());
    for (let start = 0; start < values.length; start += CHANNELS) {
      const row = values.subarray(start, start + CHANNELS);
      const length = Math.hypot(...row);
      row.forEach((value, i) => (row[i] = value / length));
    }
    return values;
  };
  const { parameters } = initializeParameters('v1', { centres: rows(4), dimension: CHANNELS }, rows(200));
  return new TrainingNetwork({
    backbone: backbone(),
    opset: OPSET,
    pooling: { kind: 'netvlad', parameters },
    trainedFrom: 'early',
    trainHead: true,
    image: { width: COLUMNS, height: ROWS },
    margin: 0.1,
    session: { threads: 1 },
  });
}

/** Places 50 m apart, views of a place 2 m apart. */
const IMAGES = Array.from({ length: PLACES * VIEWS }, (_unused, row) => {
  const local = { x: Math.floor(row / VIEWS) * 50 + (row % VIEWS) * 2, y: 0, z: 0 };
  const image = {
    name: String(row),
    local,
    condition: null,
    sequence: null,
    place: null,
    frame: null,
  } as GeotaggedImage;
  return { image, source: 0 };
});

/** What a place looks like, plus a view-dependent pattern that is stronger: the network must learn to look past it. */
function features(rows: readonly number[]): Promise<Float32Array[]> {
  return Promise.resolve(
    rows.map((row) => {
      const place = createRandom(100 + Math.floor(row / VIEWS));
      const view = createRandom(500 + (row % VIEWS));
      const size = ROWS * COLUMNS;
      return Float32Array.from({ length: CHANNELS * size }, (_unused, i) =>
        Math.floor(i / size) < 3 ? place.normal() : 1.6 * view.normal(),
      );
    }),
  );
}

interface Run {
  readonly state: TrainerState;
  readonly reports: EpochReport[];
}

interface Options {
  readonly resumed?: TrainerState;
  readonly stopAfterQueries?: number;
  readonly headRate?: number;
  readonly queriesPerEpoch?: number;
  /** Image whose features are all zero. */
  readonly black?: number;
}

async function train(epochs: number, options: Options = {}): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'trainer-'));
  const network = createNetwork();
  const cache = await FeatureCache.open({
    folder,
    key: 'k',
    rows: IMAGES.length,
    rowLength: CHANNELS * ROWS * COLUMNS,
    precision: 'float16',
  });
  try {
    const withBlack = async (rows: readonly number[]): Promise<Float32Array[]> =>
      (await features(rows)).map((values, i) => (rows[i] === options.black ? values.fill(0) : values));
    await cache.fill(withBlack, { batch: 16 });
    const database = IMAGES.map((_unused, row) => row);
    const radii = { positiveRadiusM: 10, negativeRadiusM: 25, positiveFrames: 2 };
    const neighbourhoods = new Map(eachNeighbourhood(IMAGES, { queries: database, database }, radii));
    const mining = { margin: 0.1, negativesPerQuery: 5, remembered: 5, randomNegatives: 30, variants: 1 };
    const miner = new TupleMiner({ neighbourhoods, database }, mining, options.resumed?.remembered);
    const reports: EpochReport[] = [];
    const abort = new AbortController();
    let turns = 0;
    const hooks: TrainerHooks = {
      signal: abort.signal,
      nowMs: () => 0,
      onProgress: () => {
        if (++turns === options.stopAfterQueries) abort.abort();
      },
      validate: () => Promise.resolve({ 5: (reports.length + (options.resumed?.epoch ?? 0)) / 100 }),
      onEpoch: (report) => Promise.resolve(void reports.push(report)),
    };
    const rates = { headRate: options.headRate ?? 0.05, backboneRate: 0.02, momentum: 0.9, weightDecay: 1e-4 };
    const schedule = { halveEveryEpochs: 3, refreshEveryQueries: 20, patience: 10 };
    const size = { seed: 7, epochs, batchTuples: 4, queriesPerEpoch: options.queriesPerEpoch ?? null };
    const trainer = new Trainer({ network, cache, miner }, { ...rates, ...schedule, ...size }, hooks, options.resumed);
    return { state: await trainer.run(), reports };
  } finally {
    await cache.close();
    await network.dispose();
    await rm(folder, { recursive: true });
  }
}

describe('Trainer', () => {
  it('lowers the loss: places are told apart despite a stronger nuisance', async () => {
    const { reports } = await train(6);
    const [first, last] = [reports[0]!, reports.at(-1)!];
    assert.ok(first.active > 10, `only ${first.active} queries had something to learn`);
    assert.ok(last.lossPerQuery < 0.5 * first.lossPerQuery, `${first.lossPerQuery} -> ${last.lossPerQuery}`);
  });

  it('gives the same weights for the same seed', async () => {
    assert.deepEqual((await train(2)).state, (await train(2)).state);
  });

  it('resumed from a checkpoint ends as if never interrupted', async () => {
    const whole = await train(4);
    const half = await train(2);
    const resumed = await train(4, { resumed: half.state });
    assert.deepEqual(resumed.state, whole.state);
  });

  it('trains on an image whose features are all zero', async () => {
    const [whole] = (await train(1, { black: 5 })).reports;
    assert.ok(whole!.steps > 2 && Number.isFinite(whole!.lossPerQuery));
  });

  it('a weight that is no number after the last step of an epoch stops it before its checkpoint', async () => {
    const oneStep = { queriesPerEpoch: 4, headRate: 1e300 };
    await assert.rejects(train(1, oneStep), /a weight after epoch 1, step 1 is not a number/);
  });

  it('interrupted in the middle of an epoch gives the state of the last whole one', async () => {
    const { state, reports } = await train(3, { stopAfterQueries: IMAGES.length + 5 });
    assert.equal(reports.length, 1);
    assert.deepEqual(state, (await train(1)).state);
  });
});

describe('FeatureCache', () => {
  it('goes on where it was interrupted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cache-'));
    const options = { folder, key: 'k', rows: 10, rowLength: 2, precision: 'float16' } as const;
    const made: number[] = [];
    const source = (rows: readonly number[]): Promise<Float32Array[]> => {
      made.push(...rows);
      return Promise.resolve(rows.map((row) => Float32Array.of(row, row / 2)));
    };
    const abort = new AbortController();
    const first = await FeatureCache.open(options);
    await assert.rejects(
      first.fill(source, {
        batch: 4,
        signal: abort.signal,
        onProgress: () => {
          abort.abort();
        },
      }),
    );
    await first.close();
    const second = await FeatureCache.open(options);
    assert.equal(second.filled, 4);
    await second.fill(source, { batch: 4 });
    assert.deepEqual(made, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const out = new Float32Array(4);
    await second.read([9, 3], out);
    assert.deepEqual([...out], [9, 4.5, 3, 1.5]);
    await second.close();
    await rm(folder, { recursive: true });
  });

  for (const [precision, read, bytes] of [
    ['float16', [0.0999755859375, -65504, 0], 6],
    ['float32', [Math.fround(0.1), -65504, Math.fround(1e-9)], 12],
  ] as const) {
    it(`keeps ${precision} in ${bytes} bytes a row of three`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'cache-'));
      const cache = await FeatureCache.open({ folder, key: 'k', rows: 2, rowLength: 3, precision });
      const source = (rows: readonly number[]): Promise<Float32Array[]> =>
        Promise.resolve(rows.map((row) => Float32Array.of(0.1, row === 1 ? -65504 : 7, 1e-9)));
      await cache.fill(source, { batch: 2 });
      const out = new Float32Array(3);
      await cache.read([1], out);
      await cache.close();
      const [file] = (await readdir(folder)).filter((name) => !name.endsWith('.rows'));
      assert.deepEqual([...out], read);
      assert.equal((await stat(join(folder, file!))).size, 2 * bytes);
      await rm(folder, { recursive: true });
    });
  }
});

describe('eachNeighbourhood', () => {
  const image = (facts: Partial<GeotaggedImage>, source = 0): TrainingImage => ({
    image: { local: null, condition: null, sequence: null, place: null, frame: null, ...facts } as GeotaggedImage,
    source,
  });
  const at = (x: number, condition: string | null = null): TrainingImage =>
    image({ local: { x, y: 0, z: 0 }, condition });
  const options = { positiveRadiusM: 10, negativeRadiusM: 25, positiveFrames: 2 };

  it('takes positives within 10 m and never negatives within 25 m; views of one spot are neither', () => {
    const images = [at(0), at(0.5), at(9), at(10), at(20), at(25), at(26)];
    const rows = { queries: [0], database: [0, 1, 2, 3, 4, 5, 6] };
    const neighbourhood = new Map(eachNeighbourhood(images, rows, options)).get(0)!;
    assert.deepEqual(neighbourhood.positives, [2, 3]);
    assert.deepEqual([...neighbourhood.excluded].sort(), [0, 1, 2, 3, 4, 5]);
  });

  it('takes everything of another source as negative', () => {
    const images = [at(0), at(5), image({ local: { x: 0, y: 0, z: 0 } }, 1)];
    const rows = { queries: [0], database: [0, 1, 2] };
    const { positives, excluded } = new Map(eachNeighbourhood(images, rows, options)).get(0)!;
    assert.deepEqual([positives, [...excluded]], [[1], [0, 1]]);
  });

  it('prefers positives from another time, at the very same spot too', () => {
    const images = [at(0, 'day'), at(2, 'day'), at(0, 'night'), at(3, 'night')];
    const rows = { queries: [0], database: [1, 2, 3] };
    assert.deepEqual(new Map(eachNeighbourhood(images, rows, options)).get(0)!.positives, [2, 3]);
  });

  it('without positions takes frames of the track, and excludes tracks of the same group', () => {
    const frame = (place: string, number: number, condition: string): TrainingImage =>
      image({ place, frame: number, condition });
    const images = [frame('a', 5, '1'), frame('a', 7, '1'), frame('a', 8, '1'), frame('b', 5, '1'), frame('c', 5, '2')];
    const rows = { queries: [0], database: [0, 1, 2, 3, 4] };
    const { positives, excluded } = new Map(eachNeighbourhood(images, rows, options)).get(0)!;
    assert.deepEqual(positives, [1]);
    assert.deepEqual([...excluded].sort(), [0, 1, 2, 3]);
  });
});
