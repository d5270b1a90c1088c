/** @file One picture of a query beside its best matches, captioned, for debug topics. */
import sharp, { type Sharp } from 'sharp';
import type { RgbImage } from './RgbImage.ts';

/** A point of an image as fractions of its width and height, from the top left. */
export type RelativePoint = readonly [x: number, y: number];

/** The same spot in the query and in a match. */
export interface SpotPair {
  readonly query: RelativePoint;
  readonly match: RelativePoint;
}

export interface MatchTile {
  /** JPEG or PNG bytes; null leaves the tile grey. */
  readonly picture: Uint8Array | null;
  readonly caption: string;
  /** What spatial verification found: dots in a match, and lines to them from the query for the first match. */
  readonly spots?: readonly SpotPair[];
}

const TILE = { width: 240, height: 180 } as const;
const CAPTION_HEIGHT = 24;

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function formatCaptions(captions: readonly string[]): string {
  return captions
    .map((caption, i) => {
      const x = i * TILE.width + 6;
      return `<text x="${x}" y="17" font-family="sans-serif" font-size="13" fill="#fff">${escapeXml(caption)}</text>`;
    })
    .join('');
}

/** Where an image lies within its tile once it is fitted in. */
function boxInTile(tile: number, size: { readonly width: number; readonly height: number }): Box {
  const scale = Math.min(TILE.width / size.width, TILE.height / size.height);
  const [width, height] = [size.width * scale, size.height * scale];
  return {
    left: tile * TILE.width + (TILE.width - width) / 2,
    top: CAPTION_HEIGHT + (TILE.height - height) / 2,
    width,
    height,
  };
}

const place = (box: Box, [x, y]: RelativePoint): [string, string] => [
  (box.left + x * box.width).toFixed(1),
  (box.top + y * box.height).toFixed(1),
];

/** Colour tells which spot is which: hue from left to right in the query. */
const colourOf = ([x]: RelativePoint): string => `hsl(${Math.round(300 * x)} 90% 60%)`;

function formatSpots(
  spots: readonly SpotPair[],
  boxes: { readonly query: Box; readonly match: Box },
  lines: boolean,
): string {
  return spots
    .map((spot) => {
      const [qx, qy] = place(boxes.query, spot.query);
      const [mx, my] = place(boxes.match, spot.match);
      const colour = colourOf(spot.query);
      const dot = `<circle cx="${mx}" cy="${my}" r="2" fill="${colour}"/>`;
      if (!lines) return dot;
      return `<line x1="${qx}" y1="${qy}" x2="${mx}" y2="${my}" stroke="${colour}" stroke-opacity="0.45"/><circle cx="${qx}" cy="${qy}" r="2" fill="${colour}"/>${dot}`;
    })
    .join('');
}

interface TilePicture {
  readonly png: Buffer;
  readonly box: Box;
}

async function renderTile(input: Sharp, tile: number): Promise<TilePicture> {
  const { width, height } = await input.metadata();
  const png = await input
    .resize({ ...TILE, fit: 'contain', background: '#222' })
    .png()
    .toBuffer();
  return { png, box: boxInTile(tile, { width, height }) };
}

/** JPEG bytes: the query on the left under its title, then the matches in their order. */
export async function renderMatchSheet(
  query: RgbImage,
  title: string,
  matches: readonly MatchTile[],
): Promise<Uint8Array> {
  const { data, width, height } = query;
  const [own, ...others] = await Promise.all([
    renderTile(sharp(data, { raw: { width, height, channels: 3 } }), 0),
    ...matches.map(({ picture }, i) => (picture === null ? null : renderTile(sharp(picture), i + 1))),
  ]);
  const pictures = [own, ...others].flatMap((tile, i) =>
    tile === null ? [] : [{ input: tile.png, left: i * TILE.width, top: CAPTION_HEIGHT }],
  );
  const spots = others.map((tile, i) =>
    tile === null ? '' : formatSpots(matches[i]!.spots ?? [], { query: own.box, match: tile.box }, i === 0),
  );
  const sheet = { width: (matches.length + 1) * TILE.width, height: TILE.height + CAPTION_HEIGHT };
  const drawn = `${formatCaptions([title, ...matches.map(({ caption }) => caption)])}${spots.join('')}`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${sheet.width}" height="${sheet.height}">${drawn}</svg>`;
  return sharp({ create: { ...sheet, channels: 3, background: '#222' } })
    .composite([...pictures, { input: Buffer.from(svg), left: 0, top: 0 }])
    .jpeg({ quality: 80 })
    .toBuffer();
}
