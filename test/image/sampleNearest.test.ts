/** @file Nearest-neighbour resampling: the pixel under the centre, and what libvips does wherever no centre lies on an edge. */
import assert from 'node:assert/strict';
import sharp from 'sharp';
import { sampleNearest } from '../../src/image/sampleNearest.ts';
import { toTensor, toTensorNearest } from '../../src/image/toTensor.ts';

/** Every pixel holds its own coordinates. */
function createCoordinates(width: number, height: number): { data: Uint8Array; width: number; height: number } {
  const pixels = Array.from({ length: width * height }, (_, at) => [at % width, Math.floor(at / width), 7]);
  return { data: Uint8Array.from(pixels.flat()), width, height };
}

describe('toTensorNearest', () => {
  it('is sampleNearest and toTensor in one', () => {
    const image = createCoordinates(107, 60);
    for (const colour of ['rgb', 'bgr'] as const) {
      const spec = { colour, scale: 1 / 255, mean: [0.1, 0.2, 0.3], std: [0.5, 0.6, 0.7] } as const;
      const [expected, found] = [new Float32Array(3 * 80 * 64), new Float32Array(3 * 80 * 64)];
      toTensor(sampleNearest(image, 80, 62), spec, expected, 5);
      toTensorNearest(image, spec, { width: 80, height: 62, out: found, offset: 5 });
      assert.deepEqual(found, expected);
      assert.throws(() => {
        toTensorNearest(image, spec, { width: 80, height: 65, out: found, offset: 0 });
      }, /no room for 3 x 65 x 80/);
    }
  });
});

describe('sampleNearest', () => {
  it('takes the pixel under the centre of each cell', () => {
    // 6 columns into 3: centres 1, 3, 5; 2 rows into 3: centres 0.33, 1, 1.67
    const { data } = sampleNearest(createCoordinates(6, 2), 3, 3);
    const columns = [0, 1, 2].map((x) => data[3 * x]);
    const rows = [0, 1, 2].map((y) => data[3 * 3 * y + 1]);
    assert.deepEqual(
      [columns, rows],
      [
        [1, 3, 5],
        [0, 1, 1],
      ],
    );
  });

  for (const [width, height] of [
    [240, 135],
    [120, 120],
    [107, 60],
    [40, 30],
  ] as const) {
    it(`${width} x ${height} to 80 x 60 as libvips does it`, async () => {
      const image = createCoordinates(width, height);
      const expected = await sharp(image.data, { raw: { width, height, channels: 3 } })
        .resize(80, 60, { fit: 'fill', kernel: 'nearest' })
        .raw()
        .toBuffer();
      assert.deepEqual(sampleNearest(image, 80, 60).data, new Uint8Array(expected));
    });
  }
});
