import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openImageSource } from '../../src/datasets/openImageSource.ts';
import { isDatasetProblem, type GeotaggedImage } from '../../src/datasets/GeotaggedImage.ts';
import { encodePng } from '../../src/image/encode.ts';
import { resizeImage } from '../../src/image/resizeImage.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';
import { loadModel } from '../../src/inference/loadModel.ts';
import { describeImages } from '../../src/map/describeImages.ts';
import { paintPlace } from '../support/paintPlace.ts';
import { TINY, writeTinyModel } from '../support/tinyModel.ts';

const COUNT = 7;

describe('images that are changed before they are described', () => {
  it('changes each once, in source order, before it is made smaller', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'describe-images-'));
    const model = await loadModel(await writeTinyModel());
    try {
      const twice = { width: 2 * TINY.width, height: 2 * TINY.height, resize: 'stretch', kernel: 'nearest' } as const;
      const painted: RgbImage[] = [];
      for (let seed = 1; seed <= COUNT; seed++) painted.push(await resizeImage(paintPlace(seed), twice));
      for (const [i, image] of painted.entries())
        await writeFile(path.join(folder, `${i}.png`), await encodePng(image));
      const images: GeotaggedImage[] = [];
      for await (const item of await openImageSource(folder)) if (!isDatasetProblem(item)) images.push(item);
      const asked: RgbImage[] = [];
      // Brightness falls from image to image, as a change would that draws at random: only in this order is it reproducible.
      const darken = (image: RgbImage, turn: number): RgbImage => ({
        ...image,
        data: image.data.map((value) => value / (turn + 1)),
      });
      const change = (image: RgbImage): RgbImage => darken(image, asked.push(image) - 1);
      const given: number[] = [];
      for await (const { descriptors } of describeImages(images, model, { batch: 2, change })) {
        given.push(...descriptors.global);
      }
      assert.deepEqual(asked, painted);
      const expected = await model.describe(painted.map(darken));
      assert.equal(given.length, COUNT * TINY.dimension);
      given.forEach((value, i) => {
        assert.ok(Math.abs(value - expected.global[i]!) < 1e-5);
      });
    } finally {
      await model.dispose();
      await rm(folder, { recursive: true });
    }
  });
});
