import assert from 'node:assert/strict';
import { createRandom } from '../../src/math/random.ts';
import { augment, type AugmentationRates } from '../../src/training/augment.ts';

const NONE: AugmentationRates = { light: 0, night: 0, blur: 0, rain: 0, shadow: 0, geometry: 0, occluder: 0 };
const [WIDTH, HEIGHT] = [32, 24];

/** A smooth picture: red grows to the right, green downwards. */
const picture = {
  width: WIDTH,
  height: HEIGHT,
  data: Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_unused, at) => {
    const [x, y] = [Math.floor(at / 3) % WIDTH, Math.floor(at / 3 / WIDTH)];
    return at % 3 === 0 ? x * 7 : at % 3 === 1 ? y * 10 : 100;
  }),
};
const mean = (data: Uint8Array): number => data.reduce((sum, value) => sum + value, 0) / data.length;
const changed = (data: Uint8Array): number =>
  data.filter((value, at) => value !== picture.data[at]).length / data.length;

describe('augment', () => {
  it('without any kind gives the image itself', () => {
    assert.deepEqual(augment(picture, NONE, createRandom(1)), picture);
  });

  for (const kind of Object.keys(NONE) as (keyof AugmentationRates)[]) {
    it(`${kind}: changes the image, keeps its size, repeats itself for a seed`, () => {
      const rates = { ...NONE, [kind]: 1 };
      for (let seed = 0; seed < 10; seed++) {
        const variant = augment(picture, rates, createRandom(seed));
        assert.equal(variant.data.length, picture.data.length);
        assert.ok(changed(variant.data) > 0.001, `seed ${seed} changes nothing`);
        assert.deepEqual(augment(picture, rates, createRandom(seed)), variant);
      }
      assert.equal(picture.data[3], 7, 'the original is untouched');
    });
  }

  it('shadow and night darken; an occluder leaves most of the image', () => {
    for (let seed = 0; seed < 10; seed++) {
      assert.ok(mean(augment(picture, { ...NONE, night: 1 }, createRandom(seed)).data) < mean(picture.data));
      assert.ok(mean(augment(picture, { ...NONE, shadow: 1 }, createRandom(seed)).data) < mean(picture.data));
      assert.ok(changed(augment(picture, { ...NONE, occluder: 1 }, createRandom(seed)).data) < 0.25);
    }
  });

  it('geometry moves a smooth picture by little', () => {
    const { data } = augment(picture, { ...NONE, geometry: 1 }, createRandom(4));
    const centre = (12 * WIDTH + 16) * 3;
    assert.ok(Math.abs(data[centre]! - picture.data[centre]!) < 40);
    assert.ok(Math.abs(data[centre + 2]! - 100) <= 1, 'a constant channel stays constant');
  });
});
