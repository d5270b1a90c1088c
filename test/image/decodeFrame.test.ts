/** @file Compressed frames and files: what codecs can hold, and what they must be refused for. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import type { CompressedFrame, FrameProblemKind } from '../../src/image/CameraFrame.ts';
import { storesSwappedColours } from '../../src/image/decodeCompressed.ts';
import { decodeFrame, loadImage } from '../../src/image/decodeFrame.ts';
import { encodeJpeg, encodePng, encodeThumbnail } from '../../src/image/encode.ts';
import { isFrameProblem } from '../../src/image/FrameLimits.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';

function compressed(data: Uint8Array, format = ''): CompressedFrame {
  return { kind: 'compressed', stampNs: 1n, frameId: 'camera', format, data };
}

/** A smooth picture with distinct corners: red grows to the right, green downwards, blue is 40. */
function gradient(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set([Math.round((x / (width - 1)) * 255), Math.round((y / (height - 1)) * 255), 40], (y * width + x) * 3);
    }
  }
  return { data, width, height };
}

async function decode(frame: CompressedFrame): Promise<RgbImage> {
  const image = await decodeFrame(frame);
  assert.ok(!isFrameProblem(image), JSON.stringify(image));
  return image;
}

function pngChunk(type: string, body: Uint8Array): Buffer {
  const chunk = Buffer.alloc(body.length + 12);
  chunk.writeUInt32BE(body.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(body, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + body.length)), 8 + body.length);
  return chunk;
}

/** PNG colour types: 0 grey, 2 RGB, 6 RGB with alpha. `samples` are the bytes of all rows without filter bytes. */
function createPng(
  header: { width: number; height: number; bits: 8 | 16; type: 0 | 2 | 6 },
  samples: Uint8Array,
): Buffer {
  const ihdr = Buffer.alloc(13);
  ihdr.writeUInt32BE(header.width, 0);
  ihdr.writeUInt32BE(header.height, 4);
  ihdr.set([header.bits, header.type], 8);
  const stride = samples.length / header.height;
  const rows = Array.from({ length: samples.length === 0 ? 0 : header.height }, (_, row) =>
    Buffer.from([0, ...samples.subarray(row * stride, (row + 1) * stride)]),
  );
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  const idat = deflateSync(Buffer.concat(rows));
  return Buffer.concat([signature, pngChunk('IHDR', ihdr), pngChunk('IDAT', idat), pngChunk('IEND', Buffer.alloc(0))]);
}

/** Puts an EXIF block that holds the orientation tag alone behind the JPEG's start marker. */
function withOrientation(jpeg: Uint8Array, orientation: number): Uint8Array {
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
  const exif = [...Buffer.from('Exif\0\0', 'latin1'), ...tiff];
  const length = exif.length + 2;
  return Buffer.concat([
    jpeg.subarray(0, 2),
    Buffer.from([0xff, 0xe1, length >> 8, length & 255, ...exif]),
    jpeg.subarray(2),
  ]);
}

describe('decodeFrame', () => {
  it('returns the very pixels of a PNG', async () => {
    const image = gradient(7, 5);
    assert.deepEqual(await decode(compressed(await encodePng(image), 'png')), image);
  });

  it('reads a JPEG to within its loss', async () => {
    const image = gradient(64, 48);
    const decoded = await decode(compressed(await encodeJpeg(image, 95), 'jpeg'));
    const worst = decoded.data.reduce((most, value, at) => Math.max(most, Math.abs(value - image.data[at]!)), 0);
    assert.ok(worst <= 12, `differs by up to ${worst}`);
  });

  it('turns grey, 16-bit and transparent images into plain RGB', async () => {
    const grey = createPng({ width: 2, height: 1, bits: 8, type: 0 }, Uint8Array.from([7, 250]));
    assert.deepEqual([...(await decode(compressed(grey))).data], [7, 7, 7, 250, 250, 250]);
    const grey16 = createPng({ width: 2, height: 1, bits: 16, type: 0 }, Uint8Array.from([7, 99, 250, 1]));
    assert.deepEqual([...(await decode(compressed(grey16))).data], [7, 7, 7, 250, 250, 250]);
    const rgb16 = createPng({ width: 1, height: 1, bits: 16, type: 2 }, Uint8Array.from([200, 9, 10, 9, 20, 9]));
    assert.deepEqual([...(await decode(compressed(rgb16))).data], [200, 10, 20]);
    const alpha = createPng({ width: 1, height: 1, bits: 8, type: 6 }, Uint8Array.from([200, 10, 20, 0]));
    assert.deepEqual([...(await decode(compressed(alpha))).data], [200, 10, 20]);
  });

  it('converts CMYK', async () => {
    const { default: sharp } = await import('sharp');
    const { data, width, height } = gradient(16, 16);
    const raw = { width, height, channels: 3 as const };
    const cmyk = await sharp(data, { raw }).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    assert.equal((await sharp(cmyk).metadata()).space, 'cmyk');
    const decoded = await decode(compressed(cmyk));
    assert.equal(decoded.data.length, 16 * 16 * 3);
    // Corners of the gradient: dark, red, yellow; printing colours are duller than the screen's.
    const corner = (x: number, y: number): number[] => [
      ...decoded.data.subarray((y * 16 + x) * 3, (y * 16 + x) * 3 + 3),
    ];
    const near = (actual: number[], expected: number[]): void => {
      assert.ok(
        actual.every((value, at) => Math.abs(value - expected[at]!) <= 45),
        `${actual.join(' ')} for ${expected.join(' ')}`,
      );
    };
    near(corner(0, 0), [0, 0, 40]);
    near(corner(15, 0), [255, 0, 40]);
    near(corner(15, 15), [255, 255, 40]);
  });

  it('applies the EXIF orientation', async () => {
    const jpeg = await encodeJpeg(gradient(32, 16), 95);
    const upright = await decode(compressed(jpeg));
    const turned = await decode(compressed(withOrientation(jpeg, 6)));
    assert.deepEqual([turned.width, turned.height], [16, 32]);
    // Orientation 6: the stored rows are the visual columns from right to left.
    for (const [x, y] of [
      [0, 0],
      [31, 0],
      [5, 15],
    ] as const) {
      const stored = [...upright.data.subarray((y * 32 + x) * 3, (y * 32 + x) * 3 + 3)];
      const shown = (x * 16 + (15 - y)) * 3;
      assert.deepEqual([...turned.data.subarray(shown, shown + 3)], stored);
    }
  });

  const formats: readonly (readonly [string, boolean])[] = [
    ['', false],
    ['jpeg', false],
    ['png', false],
    ['bgr8; jpeg compressed bgr8', false],
    ['rgb8; jpeg compressed bgr8', false],
    ['mono8; jpeg compressed ', false],
    ['rgb8; jpeg compressed rgb8', true],
    ['bgr8; jpeg compressed ', true],
    ['rgba8;png compressed', true],
  ];
  for (const [format, swapped] of formats) {
    it(`${swapped ? 'exchanges red and blue' : 'keeps the colours'} for format '${format}'`, async () => {
      assert.equal(storesSwappedColours(format), swapped);
      const image: RgbImage = { data: Uint8Array.from([200, 10, 20]), width: 1, height: 1 };
      const decoded = await decode(compressed(await encodePng(image), format));
      assert.deepEqual([...decoded.data], swapped ? [20, 10, 200] : [200, 10, 20]);
    });
  }

  describe('refuses', () => {
    const limit = { maxPixels: 10_000 };
    const cases: readonly (readonly [string, () => Promise<Uint8Array>, FrameProblemKind, RegExp])[] = [
      ['no bytes', () => Promise.resolve(new Uint8Array(0)), 'empty', /0 bytes/],
      ['text', () => Promise.resolve(Buffer.from('not an image')), 'corrupt', /12 bytes, announced as 'jpeg'/],
      [
        'a JPEG cut in the middle',
        async () => (await encodeJpeg(gradient(90, 90))).slice(0, 500),
        'truncated',
        /ends early/,
      ],
      [
        'a PNG cut in the middle',
        async () => (await encodePng(gradient(90, 90))).slice(0, 300),
        'truncated',
        /ends early/,
      ],
      ['too many pixels', () => encodeJpeg(gradient(101, 100)), 'too-large', /101 x 100 pixels/],
      [
        'a bomb by its header',
        () => Promise.resolve(createPng({ width: 20_000, height: 20_000, bits: 8, type: 2 }, new Uint8Array(0))),
        'too-large',
        /20000 x 20000 pixels \(400\.0 megapixels\)/,
      ],
    ];
    for (const [name, create, kind, message] of cases) {
      it(name, async () => {
        const result = await decodeFrame(compressed(await create(), 'jpeg'), limit);
        assert.ok(isFrameProblem(result));
        assert.match(result.message, message);
        assert.equal(result.kind, kind);
      });
    }
  });
});

describe('loadImage', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'netvlad-image-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('reads a file through the same pipeline as a frame', async () => {
    const jpeg = await encodeJpeg(gradient(40, 30));
    await writeFile(join(folder, 'a.jpg'), jpeg);
    assert.deepEqual(await loadImage(join(folder, 'a.jpg')), await decode(compressed(jpeg, 'jpeg')));
  });

  it('names the file in its problems', async () => {
    await writeFile(join(folder, 'empty.jpg'), '');
    const missing = await loadImage(join(folder, 'missing.jpg'));
    const empty = await loadImage(join(folder, 'empty.jpg'));
    assert.ok(isFrameProblem(missing) && isFrameProblem(empty));
    assert.deepEqual([missing.kind, empty.kind], ['unreadable', 'empty']);
    assert.match(missing.message, /missing\.jpg: cannot be opened \(it does not exist\)/);
    assert.match(empty.message, /empty\.jpg: The image is empty/);
  });
});

describe('encodeThumbnail', () => {
  it('bounds the longer side and never enlarges', async () => {
    const thumbnail = await decode(compressed(await encodeThumbnail(gradient(200, 100), 50)));
    assert.deepEqual([thumbnail.width, thumbnail.height], [50, 25]);
    const small = await decode(compressed(await encodeThumbnail(gradient(20, 10), 50)));
    assert.deepEqual([small.width, small.height], [20, 10]);
  });
});
