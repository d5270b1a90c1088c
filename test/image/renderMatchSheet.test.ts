/** @file The debug picture: tiles, letterboxes, and correspondences where they belong. */
import assert from 'node:assert/strict';
import { decodeFrame } from '../../src/image/decodeFrame.ts';
import { encodePng } from '../../src/image/encode.ts';
import { isFrameProblem } from '../../src/image/FrameLimits.ts';
import { renderMatchSheet, type SpotPair } from '../../src/image/renderMatchSheet.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';

function plain(width: number, height: number, level: number): RgbImage {
  return { data: new Uint8Array(width * height * 3).fill(level), width, height };
}

async function render(spots: readonly SpotPair[]): Promise<RgbImage> {
  const square = await encodePng(plain(100, 100, 0));
  const tiles = [
    { picture: square, caption: '1 <a>', spots },
    { picture: square, caption: '2', spots },
  ];
  const jpeg = await renderMatchSheet(plain(320, 240, 0), 'query', [...tiles, { picture: null, caption: 'none' }]);
  const sheet = await decodeFrame({ kind: 'compressed', stampNs: 0n, frameId: '', format: 'jpeg', data: jpeg });
  assert.ok(!isFrameProblem(sheet));
  return sheet;
}

/** Brightest channel within two pixels of a point. */
function brightness({ data, width }: RgbImage, x: number, y: number): number {
  let most = 0;
  for (let dy = -2; dy <= 2; dy++) {
    for (let dx = -2; dx <= 2; dx++) {
      const at = ((y + dy) * width + x + dx) * 3;
      most = Math.max(most, ...data.subarray(at, at + 3));
    }
  }
  return most;
}

describe('renderMatchSheet', () => {
  it('sets tiles side by side under their captions', async () => {
    const sheet = await render([]);
    assert.deepEqual([sheet.width, sheet.height], [4 * 240, 180 + 24]);
    // Black pictures on dark grey: the query fills its tile, the square match has a letterbox of 30 pixels.
    assert.ok(brightness(sheet, 10, 100) < 12);
    assert.ok(brightness(sheet, 250, 100) > 24);
    assert.ok(brightness(sheet, 300, 100) < 12);
    assert.ok(brightness(sheet, 900, 100) > 24, 'a missing picture leaves the tile grey');
  });

  it('draws lines to the first match and dots in every match', async () => {
    const sheet = await render([{ query: [0.25, 0.5], match: [0.75, 0.5] }]);
    const row = 24 + 90;
    // The query's spot lies at 0.25 * 240; a match's at its tile + 30 + 0.75 * 180.
    assert.ok(brightness(sheet, 60, row) > 150);
    assert.ok(brightness(sheet, 240 + 30 + 135, row) > 150);
    assert.ok(brightness(sheet, 480 + 30 + 135, row) > 150);
    assert.ok(brightness(sheet, 150, row) > 30, 'a line in the query');
    assert.ok(brightness(sheet, 480 + 60, row) < 40, 'no line to the second match');
  });
});
