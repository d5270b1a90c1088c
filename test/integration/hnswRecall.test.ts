/** @file The graph index against exact search on descriptors of real photographs. */
import assert from 'node:assert/strict';
import type { GeotaggedImage } from '../../src/datasets/GeotaggedImage.ts';
import { isDatasetProblem } from '../../src/datasets/GeotaggedImage.ts';
import { openImageSource } from '../../src/datasets/openImageSource.ts';
import { findDefaultModel, loadModel } from '../../src/inference/loadModel.ts';
import { describeImages } from '../../src/map/describeImages.ts';
import { ExactIndex } from '../../src/retrieval/ExactIndex.ts';
import { HnswIndex } from '../../src/retrieval/HnswIndex.ts';
import { sharedPath } from '../support/sharedData.ts';

async function* imagesOf(folder: string): AsyncGenerator<GeotaggedImage> {
  for await (const item of await openImageSource(folder)) if (!isDatasetProblem(item)) yield item;
}

describe('HNSW on real descriptors', function () {
  this.timeout(120_000);

  it('finds at least 99 % of the ten nearest that exact search finds', async function () {
    const [database, queries] = [
      sharedPath(this, 'data', 'pepper_office'),
      sharedPath(this, 'data', 'nakamura_campus_robot'),
    ];
    const model = await loadModel(findDefaultModel());
    const { dimension } = model.manifest.descriptor;
    const [exact, graph] = [new ExactIndex(dimension), HnswIndex.create(dimension)];
    for (const folder of [database, queries]) {
      for await (const { images, descriptors } of describeImages(imagesOf(folder), model)) {
        const places = images.map((_unused, i) => exact.size + i + 1);
        await graph.add(places, descriptors.global);
        await exact.add(places, descriptors.global);
      }
    }
    let [found, wanted] = [0, 0];
    for await (const { images, descriptors } of describeImages(imagesOf(queries), model)) {
      for (const row of images.keys()) {
        const query = descriptors.global.subarray(row * dimension, (row + 1) * dimension);
        const truth = new Set((await exact.search(query, 10)).map(({ place }) => place));
        found += (await graph.search(query, 10)).filter(({ place }) => truth.has(place)).length;
        wanted += truth.size;
      }
    }
    await model.dispose();
    assert.ok(exact.size > 800, `only ${exact.size} descriptors`);
    assert.ok(found / wanted >= 0.99, `recall@10 of ${(found / wanted).toFixed(4)}`);
  });
});
