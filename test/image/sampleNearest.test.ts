/** @file Nearest-neighbour resampling: the pixel under the centre, and what libvips does wherever no centre lies on an edge. */
import assert from 'node:assert/strict';
import sharp from 'sharp';
import { sampleNearest } from '../../src/image/sampleNearest.ts';

/** Every pixel holds its own coordinates. */
function createCoordinates(width: number, height: number): { data: Uint8Array; width: number; height: number } {
  const pixels = Array.from({ length: width * height }, (_, at) => [at % width, Math.floor(at / width), 7]);
  return { data: Uint8Array.from(pixels.flat()), width, height };
}

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
