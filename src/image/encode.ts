/** @file Pixels back to bytes: thumbnails of the map, pictures of reports, debug images. */
import sharp, { type Sharp } from 'sharp';
import type { RgbImage } from './RgbImage.ts';

function pipeline(image: RgbImage): Sharp {
  const { width, height } = image;
  return sharp(image.data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
}

/** JPEG bytes; `quality` 1..100. */
export async function encodeJpeg(image: RgbImage, quality = 85): Promise<Uint8Array> {
  return pipeline(image).jpeg({ quality }).toBuffer();
}

/** PNG bytes, without loss. */
export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  return pipeline(image).png().toBuffer();
}

/** A JPEG whose longer side is at most `maxSide` pixels; smaller images keep their size. */
export async function encodeThumbnail(image: RgbImage, maxSide: number, quality = 75): Promise<Uint8Array> {
  return pipeline(image)
    .resize({ width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality })
    .toBuffer();
}
