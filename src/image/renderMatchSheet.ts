/** @file One picture of a query beside its best matches, captioned, for debug topics. */
import sharp from 'sharp';
import type { RgbImage } from './RgbImage.ts';

export interface MatchTile {
  /** JPEG or PNG bytes; null leaves the tile grey. */
  readonly picture: Uint8Array | null;
  readonly caption: string;
}

const TILE = { width: 240, height: 180 } as const;
const CAPTION_HEIGHT = 24;

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function renderCaptions(captions: readonly string[]): Buffer {
  const width = captions.length * TILE.width;
  const texts = captions.map((caption, i) => {
    const x = i * TILE.width + 6;
    return `<text x="${x}" y="17" font-family="sans-serif" font-size="13" fill="#fff">${escapeXml(caption)}</text>`;
  });
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${CAPTION_HEIGHT}">${texts.join('')}</svg>`,
  );
}

/** JPEG bytes: the query on the left under its title, then the matches in their order. */
export async function renderMatchSheet(
  query: RgbImage,
  title: string,
  matches: readonly MatchTile[],
): Promise<Uint8Array> {
  const fit = { ...TILE, fit: 'contain', background: '#222' } as const;
  const { data, width, height } = query;
  const pictures = await Promise.all([
    sharp(data, { raw: { width, height, channels: 3 } })
      .resize(fit)
      .png()
      .toBuffer(),
    ...matches.map(async ({ picture }) => (picture === null ? null : sharp(picture).resize(fit).png().toBuffer())),
  ]);
  const overlays = pictures.flatMap((input, i) =>
    input === null ? [] : [{ input, left: i * TILE.width, top: CAPTION_HEIGHT }],
  );
  const captions = [title, ...matches.map(({ caption }) => caption)];
  const sheet = { width: captions.length * TILE.width, height: TILE.height + CAPTION_HEIGHT, channels: 3 } as const;
  return sharp({ create: { ...sheet, background: '#222' } })
    .composite([{ input: renderCaptions(captions), left: 0, top: 0 }, ...overlays])
    .jpeg({ quality: 80 })
    .toBuffer();
}
