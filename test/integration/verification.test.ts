/** @file What verification makes of real photographs and of edits of them, through the default model and the real matcher. */
import assert from 'node:assert/strict';
import { isDatasetProblem } from '../../src/datasets/GeotaggedImage.ts';
import { openCsvSource } from '../../src/datasets/CsvSource.ts';
import { loadImage } from '../../src/image/decodeFrame.ts';
import { isFrameProblem } from '../../src/image/FrameLimits.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';
import type { DescriptorModel } from '../../src/inference/DescriptorModel.ts';
import { findDefaultModel, loadModel } from '../../src/inference/loadModel.ts';
import { OnnxGridMatcher } from '../../src/inference/OnnxGridMatcher.ts';
import type { Consensus } from '../../src/verification/findConsensus.ts';
import { quantizeGrid, type LocalGrid } from '../../src/verification/LocalGrid.ts';
import { SpatialVerifier } from '../../src/verification/SpatialVerifier.ts';
import { crop, mapValues, mirror, shuffleTiles } from '../support/pixelEdits.ts';
import { sharedPath } from '../support/sharedData.ts';

/** Streets, a campus by day and night, offices, corridors; five photographs of each. */
const SETS = [
  'gardens_point',
  'cambridge_west',
  'pepper_office',
  'rtabmap_hallway',
  'nakamura_campus_robot',
  'ie_tower_indoor',
];
const OF_EACH = 5;
const CELLS = 300;

interface Edit {
  readonly name: string;
  /** The two images that are compared. */
  readonly pair: (photo: RgbImage) => readonly [RgbImage, RgbImage];
}

interface Kept extends Edit {
  /** Cells whose content both images show: what verification could find at best. */
  readonly common: number;
}

/** Most = more than half of what both show, in every photograph. */
const KEPT: readonly Kept[] = [
  {
    name: 'shifted by a ninth of its width',
    common: CELLS * (8 / 9),
    pair: (photo) => [crop(photo, { width: 0.9 }), crop(photo, { left: 0.1, width: 0.9 })],
  },
  {
    name: 'shifted by a quarter of its width',
    common: CELLS * (3 / 4),
    pair: (photo) => [crop(photo, { width: 0.8 }), crop(photo, { left: 0.2, width: 0.8 })],
  },
  {
    name: 'scaled by 1.2',
    common: CELLS / 1.2 ** 2,
    pair: (photo) => [photo, crop(photo, { left: 1 / 12, top: 1 / 12, width: 1 / 1.2, height: 1 / 1.2 })],
  },
  {
    name: 'cropped to four fifths at a corner',
    common: CELLS * 0.8 ** 2,
    pair: (photo) => [photo, crop(photo, { width: 0.8, height: 0.8 })],
  },
  {
    name: 'cropped in width more than in height',
    common: CELLS * 0.8 * 0.9,
    pair: (photo) => [photo, crop(photo, { left: 0.1, width: 0.8, height: 0.9 })],
  },
  { name: 'half as bright', common: CELLS, pair: (photo) => [photo, mapValues(photo, (value) => value / 2)] },
  { name: 'overexposed', common: CELLS, pair: (photo) => [photo, mapValues(photo, (value) => 1.4 * value)] },
];

/**
 * Next to none. The cells next to the axis of a mirrored image stay where they were, and corridors are symmetric:
 * that is a fifth at most; shuffled tiles keep the cells of one tile.
 */
const LOST: readonly (Edit & { readonly atMost: number })[] = [
  { name: 'mirrored', atMost: CELLS / 5, pair: (photo) => [photo, mirror(photo)] },
  { name: 'in 64 shuffled tiles', atMost: CELLS / 15, pair: (photo) => [photo, shuffleTiles(photo, 8, 7)] },
  { name: 'constant', atMost: CELLS / 15, pair: (photo) => [photo, mapValues(photo, () => 110)] },
];

async function loadPhotographs(folder: string): Promise<readonly RgbImage[]> {
  const paths: string[] = [];
  for await (const item of await openCsvSource(`${folder}/index.csv`)) {
    if (!isDatasetProblem(item) && item.content.kind === 'file') paths.push(item.content.path);
  }
  const chosen = Array.from({ length: OF_EACH }, (_, at) => paths[Math.floor(((at + 0.5) * paths.length) / OF_EACH)]!);
  return Promise.all(
    chosen.map(async (path) => {
      const image = await loadImage(path);
      assert.ok(!isFrameProblem(image), path);
      return image;
    }),
  );
}

describe('verification of real photographs', function () {
  this.timeout(120_000);
  let photographs: readonly RgbImage[];
  let model: DescriptorModel;
  let verifier: SpatialVerifier;
  const opened: { dispose(): Promise<void> }[] = [];

  before(async function () {
    const folders = SETS.map((set) => sharedPath(this, 'data', set));
    photographs = (await Promise.all(folders.map(loadPhotographs))).flat();
    model = await loadModel(findDefaultModel());
    opened.push(model);
    const matcher = await OnnxGridMatcher.create();
    opened.push(matcher);
    verifier = new SpatialVerifier(matcher);
  });
  after(() => Promise.all(opened.map((part) => part.dispose())));

  async function gridsOf(images: readonly RgbImage[]): Promise<readonly LocalGrid[]> {
    const { local } = await model.describe(images, { local: true });
    return images.map((_, row) => quantizeGrid(local!, row));
  }

  /** Of each photograph and its edit; also asserts that the order of the two makes no difference. */
  async function verifyAll(pair: Edit['pair']): Promise<readonly Consensus[]> {
    const results: Consensus[] = [];
    for (const photo of photographs) {
      const [query, candidate] = await gridsOf(pair(photo));
      const [there] = await verifier.verify(query!, [candidate!]);
      const [back] = await verifier.verify(candidate!, [query!]);
      const apart = Math.abs(there!.evidence - back!.evidence);
      assert.ok(apart <= 0.02 * there!.evidence, `swapped: ${there!.evidence} and ${back!.evidence}`);
      results.push(there!);
    }
    return results;
  }

  const counts = (results: readonly Consensus[]): number[] => results.map(({ inliers }) => inliers.length);

  it('finds all of an identical image, each cell in its place', async () => {
    for (const { inliers, evidence } of await verifyAll((photo) => [photo, photo])) {
      assert.equal(inliers.length, CELLS);
      assert.ok(inliers.every(({ query, candidate }) => query === candidate));
      assert.ok(Math.abs(evidence - CELLS) < 0.02 * CELLS, `evidence ${evidence}`);
    }
  });

  for (const { name, common, pair } of KEPT) {
    it(`keeps most of an image ${name}`, async () => {
      const least = Math.min(...counts(await verifyAll(pair)));
      assert.ok(least > common / 2, `${least} inliers of ${common.toFixed(0)} cells that both show`);
    });
  }

  for (const { name, atMost, pair } of LOST) {
    it(`finds next to nothing in an image ${name}`, async () => {
      const most = Math.max(...counts(await verifyAll(pair)));
      assert.ok(most <= atMost, `${most} inliers`);
    });
  }

  it('says the same of two photographs in either order', async () => {
    const grids = await gridsOf(photographs);
    for (const [row, query] of grids.entries()) {
      const there = await verifier.verify(query, grids);
      for (const [other, candidate] of grids.slice(0, row).entries()) {
        const [back] = await verifier.verify(candidate, [query]);
        const apart = Math.abs(there[other]!.evidence - back!.evidence);
        assert.ok(apart <= 0.02 * back!.evidence, `${there[other]!.evidence} and ${back!.evidence}`);
      }
    }
  });

  it('finds more in a photograph of the same place than in any of another', async () => {
    const grids = await gridsOf(photographs);
    for (const [row, photo] of photographs.entries()) {
      const [moved] = await gridsOf([crop(photo, { left: 0.1, top: 0.05, width: 0.85, height: 0.9 })]);
      const evidence = (await verifier.verify(moved!, grids)).map((consensus) => consensus!.evidence);
      const others = evidence.filter((_, other) => other !== row);
      assert.ok(evidence[row]! > 2 * Math.max(...others), `${evidence[row]} against ${Math.max(...others)}`);
    }
  });
});
