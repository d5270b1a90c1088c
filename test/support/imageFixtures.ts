/** @file Image files as users have them: good ones, odd ones and broken ones. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { createRandom } from '../../src/math/random.ts';

const SIZE = { width: 128, height: 96 } as const;

/** Blocks of muted colours (a printer could mix them) drawn by seed: two seeds are two scenes. [96, 128, 3] */
export function drawScene(seed: number): Sharp {
  const random = createRandom(seed);
  const colours = Array.from({ length: 48 }, () => [0, 1, 2].map(() => 64 + random.int(128)));
  const data = new Uint8Array(SIZE.width * SIZE.height * 3);
  for (let y = 0; y < SIZE.height; y++) {
    for (let x = 0; x < SIZE.width; x++) {
      const colour = colours[Math.floor(y / 16) * 8 + Math.floor(x / 16)]!;
      data.set(colour, (y * SIZE.width + x) * 3);
    }
  }
  return sharp(data, { raw: { ...SIZE, channels: 3 } });
}

const FINE = { quality: 95, chromaSubsampling: '4:4:4' };

function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A valid PNG of any size in a few kilobytes: one bit a pixel, all black. */
export function blackPng(width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8); // one bit, grey
  const rows = deflateSync(new Uint8Array((Math.ceil(width / 8) + 1) * height));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const end = pngChunk('IEND', new Uint8Array(0));
  return Buffer.concat([signature, pngChunk('IHDR', header), pngChunk('IDAT', rows), end]);
}

/** Files that must be used, whatever their encoding, each with another one that shows the same. */
export const USABLE_IMAGES: Readonly<
  Record<string, { readonly like: string; readonly encode: () => Promise<Buffer> }>
> = {
  'plain.png': { like: 'plain.jpg', encode: () => drawScene(1).png().toBuffer() },
  'plain.jpg': { like: 'plain.png', encode: () => drawScene(1).jpeg(FINE).toBuffer() },
  'sixteen.png': { like: 'plain.png', encode: () => drawScene(1).toColourspace('rgb16').png().toBuffer() },
  'cmyk.jpg': { like: 'plain.png', encode: () => drawScene(1).toColourspace('cmyk').jpeg(FINE).toBuffer() },
  // Stored lying on its side; EXIF orientation 6 turns it upright.
  'rotated.jpg': {
    like: 'plain.png',
    encode: async () => {
      const lying = sharp(await drawScene(1).png().toBuffer()).rotate(-90);
      return lying.withMetadata({ orientation: 6 }).jpeg(FINE).toBuffer();
    },
  },
  'grey.jpg': { like: 'grey.png', encode: () => drawScene(2).greyscale().jpeg(FINE).toBuffer() },
  'grey.png': { like: 'grey.jpg', encode: () => drawScene(2).greyscale().png().toBuffer() },
};

/** Files that must be left out, with what the message must say. */
export const BROKEN_IMAGES: Readonly<
  Record<string, { readonly says: RegExp; readonly encode: () => Promise<Uint8Array> }>
> = {
  'zero.jpg': { says: /0 bytes/, encode: () => Promise.resolve(new Uint8Array(0)) },
  'truncated.jpg': {
    says: /ends early or is damaged/,
    encode: async () => {
      const jpeg = await drawScene(3).jpeg({ quality: 95 }).toBuffer();
      return jpeg.subarray(0, Math.floor(0.8 * jpeg.length));
    },
  },
  'text.jpg': {
    says: /not an image|unsupported|not a/i,
    encode: () => Promise.resolve(Buffer.from('no picture at all')),
  },
  'huge.png': { says: /20000 x 20000 pixels/, encode: () => Promise.resolve(blackPng(20_000, 20_000)) },
};

export async function writeImages(
  folder: string,
  images: Readonly<Record<string, { readonly encode: () => Promise<Uint8Array> }>>,
): Promise<void> {
  for (const [name, { encode }] of Object.entries(images)) await writeFile(join(folder, name), await encode());
}
