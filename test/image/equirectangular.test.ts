/** @file Views out of panoramas whose pixels are known: each colour is a function of the direction. */
import assert from 'node:assert/strict';
import { computeViewGrid, cutPerspectives, type PerspectiveView } from '../../src/image/equirectangular.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';

const rad = (degrees: number): number => (degrees * Math.PI) / 180;

/** A sky whose colour is the direction: r = east, g = up, b = north, each from -1..1 to 0..255. Its middle looks north. */
function paintDirections(width: number): RgbImage {
  const height = width / 2;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    const latitude = rad(90 - ((y + 0.5) * 180) / height);
    for (let x = 0; x < width; x++, at += 3) {
      const longitude = rad(((x + 0.5) * 360) / width - 180);
      const level = Math.cos(latitude);
      const direction = [level * Math.sin(longitude), Math.sin(latitude), level * Math.cos(longitude)];
      direction.forEach((value, c) => (data[at + c] = Math.round(127.5 * (1 + value))));
    }
  }
  return { data, width, height };
}

const pixel = ({ data, width }: RgbImage, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

/** East, up, north of a compass direction, as the sky is painted. */
function colourOf(headingDeg: number, elevationDeg: number): number[] {
  const level = Math.cos(rad(elevationDeg));
  const direction = [level * Math.sin(rad(headingDeg)), Math.sin(rad(elevationDeg)), level * Math.cos(rad(headingDeg))];
  return direction.map((value) => 127.5 * (1 + value));
}

function assertColour(received: readonly number[], expected: readonly number[], what: string): void {
  const worst = Math.max(...expected.map((value, c) => Math.abs(value - received[c]!)));
  assert.ok(worst <= 2, `${what}: ${received.join(', ')} is not ${expected.map(Math.round).join(', ')}`);
}

describe('cutPerspectives', () => {
  const sky = paintDirections(720);
  const view: PerspectiveView = { width: 101, height: 101, fovRad: rad(90), pitchRad: 0 };

  // 101 pixels over 90 degrees: the middles of the outermost ones are atan(50 / 50.5) = 44.71 degrees off the axis
  const edge = (Math.atan(50 / 50.5) * 180) / Math.PI;
  for (const { heading, pitch, at, direction } of [
    { heading: 0, pitch: 0, at: [50, 50], direction: [0, 0] },
    { heading: 90, pitch: 0, at: [50, 50], direction: [90, 0] },
    { heading: 180, pitch: 0, at: [50, 50], direction: [180, 0] }, // across the seam
    { heading: 270, pitch: 0, at: [50, 50], direction: [270, 0] },
    { heading: 30, pitch: 0, at: [100, 50], direction: [30 + edge, 0] },
    { heading: 30, pitch: 0, at: [0, 50], direction: [30 - edge, 0] },
    { heading: 30, pitch: 0, at: [50, 0], direction: [30, edge] },
    { heading: 180, pitch: 40, at: [50, 50], direction: [180, 40] },
    { heading: 10, pitch: -20, at: [50, 0], direction: [10, edge - 20] },
    { heading: 10, pitch: 90, at: [50, 100], direction: [10, 90 - edge] }, // looking up, what was ahead is below
  ] as const) {
    it(`heading ${heading}, pitch ${pitch}: pixel ${at.join(', ')} looks to ${direction.map(Math.round).join(', ')}`, async () => {
      const [picture] = await cutPerspectives(sky, { ...view, pitchRad: rad(pitch) }, [rad(heading)]);
      assertColour(pixel(picture!, at[0], at[1]), colourOf(direction[0], direction[1]), 'the pixel');
    });
  }

  it('has square pixels: the vertical field of view follows from the size', async () => {
    const wide: PerspectiveView = { ...view, width: 201, fovRad: 2 * Math.atan(201 / 101) };
    const [picture] = await cutPerspectives(sky, wide, [0]);
    assertColour(pixel(picture!, 100, 0), colourOf(0, edge), 'top');
  });

  it('interpolates between the four neighbours, around the seam too', async () => {
    const columns: RgbImage = { data: new Uint8Array(24), width: 4, height: 2 };
    for (const row of [0, 1]) {
      columns.data[(row * 4 + 1) * 3] = 200; // column 1 is red
      columns.data[(row * 4 + 0) * 3 + 1] = 100; // column 0 is green
    }
    const onePixel: PerspectiveView = { width: 1, height: 1, fovRad: rad(90), pitchRad: 0 };
    assert.deepEqual([...computeViewGrid(onePixel, columns)], [1.5, 0.5]); // between columns 1 and 2
    const [ahead, behind] = await cutPerspectives(columns, onePixel, [0, Math.PI]);
    assert.deepEqual([...ahead!.data], [100, 0, 0]);
    assert.deepEqual([...behind!.data], [0, 50, 0]); // between columns 3 and 0
  });

  it('reduces a panorama that is much denser than the view, so that fine texture is averaged and not aliased', async () => {
    const width = 1200;
    const checks = { data: new Uint8Array(width * (width / 2) * 3), width, height: width / 2 };
    checks.data.forEach((_, at) => {
      const i = Math.floor(at / 3);
      checks.data[at] = ((i % width) + Math.floor(i / width)) % 2 === 0 ? 255 : 0;
    });
    const [picture] = await cutPerspectives(checks, { width: 32, height: 24, fovRad: rad(90), pitchRad: 0 }, [1]);
    for (const value of picture!.data) assert.ok(Math.abs(value - 127.5) < 40, `${value} is not grey`);
  });
});
