/** @file Writes any source as a CSV data set, or as files whose names carry the position. */
import { constants } from 'node:fs';
import { copyFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { yawToCompass } from '../geo/angles.ts';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { decodeFrame } from '../image/decodeFrame.ts';
import { encodePng } from '../image/encode.ts';
import { isFrameProblem } from '../image/FrameLimits.ts';
import { silentProgress, type Progress } from '../Progress.ts';
import { CSV_COLUMNS } from './csvRows.ts';
import {
  isDatasetProblem,
  type DatasetProblem,
  type GeotaggedImage,
  type GeotaggedImageSource,
  type ImageContent,
} from './GeotaggedImage.ts';
import { formatTimestamp } from './timestamps.ts';
import { formatUtmName } from './utmNames.ts';

export type ConversionFormat = 'csv' | 'utm-names';

export interface ConversionResult {
  readonly path: string;
  readonly images: number;
  /** Records that could not be converted. */
  readonly problems: readonly DatasetProblem[];
}

export interface ConversionOptions {
  readonly format: ConversionFormat;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Extension that a content gets as a file: compressed frames keep their bytes, raw ones become PNG. */
function extensionOf(content: ImageContent): string {
  if (content.kind === 'file') return extname(content.path);
  if (content.frame.kind === 'raw') return '.png';
  return /jpe?g/i.test(content.frame.format) ? '.jpg' : '.png';
}

/** Writes an image's pixels to `path`; the sentence of its problem, or null. */
async function writeContent(content: ImageContent, path: string): Promise<string | null> {
  await makeFolder(dirname(path));
  if (content.kind === 'file') {
    try {
      await copyFile(content.path, path, constants.COPYFILE_FICLONE);
      return null;
    } catch (error) {
      return `${content.path} cannot be copied: ${(error as Error).message}`;
    }
  }
  if (content.frame.kind === 'compressed' && extensionOf(content) === '.jpg') {
    await writeFile(path, content.frame.data);
    return null;
  }
  const image = await decodeFrame(content.frame);
  if (isFrameProblem(image)) return image.message;
  await writeFile(path, await encodePng(image));
  return null;
}

/** Names may not lead out of the target folder. */
function safeRelativePath(name: string, extension: string): string {
  const parts = name.split(/[/\\]+/).filter((part) => part !== '' && part !== '.' && part !== '..');
  const clean = parts.map((part) => part.replace(/[:*?"<>|]/g, '_')).join('/');
  return clean.toLowerCase().endsWith(extension.toLowerCase()) ? clean : `${clean}${extension}`;
}

function quote(cell: string): string {
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function formatCsvRow(image: GeotaggedImage, file: string): string {
  const { geo, local, yawRad } = image;
  const yawDeg = yawRad === null ? null : geo === null ? (yawRad * 180) / Math.PI : yawToCompass(yawRad);
  const cells: Readonly<Record<(typeof CSV_COLUMNS)[number], string | number | null | undefined>> = {
    file,
    role: image.role,
    place: image.place,
    lat: geo?.latDeg,
    lon: geo?.lonDeg,
    alt_m: geo === null ? local?.z : Number.isNaN(geo.altM) ? null : geo.altM,
    x_m: local?.x,
    y_m: local?.y,
    yaw_deg: yawDeg,
    frame: image.frame,
    condition: image.condition,
    timestamp: image.stampNs === null ? null : formatTimestamp(image.stampNs),
    sequence: image.sequence,
    sigma_m: image.positionSigmaM,
  };
  return CSV_COLUMNS.map((column) => quote(String(cells[column] ?? ''))).join(',');
}

async function assertNewFolder(path: string): Promise<void> {
  const entries = await readdir(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  if (entries.length === 0) return;
  throw new NetvladError('bad-input', `${path} exists and is not empty.`, { hint: 'Name a new folder with --out.' });
}

/** Where an image goes in the new data set, or why it cannot. */
function targetOf(image: GeotaggedImage, format: ConversionFormat): { file: string } | { problem: string } {
  const extension = extensionOf(image.content);
  if (format === 'csv') return { file: `images/${safeRelativePath(image.name, extension)}` };
  const note = basename(image.name, extname(image.name));
  const name = formatUtmName(image, note, extension);
  if (name === null) return { problem: 'The image has no position, which a UTM name must hold.' };
  const folder = image.role === 'query' ? 'queries' : (image.role ?? '');
  return { file: folder === '' ? name : `${folder}/${name}` };
}

/** Copies the images of a source into the new folder `out`; nothing is left there unless it ends well. */
export async function convertSource(
  source: GeotaggedImageSource,
  out: string,
  options: ConversionOptions,
): Promise<ConversionResult> {
  await assertNewFolder(out);
  const { format, progress = silentProgress, signal } = options;
  const temporary = `${resolve(out)}.${process.pid}.tmp`;
  const problems: DatasetProblem[] = [];
  const rows: string[] = [CSV_COLUMNS.join(',')];
  try {
    await makeFolder(temporary);
    for await (const item of source) {
      signal?.throwIfAborted();
      if (isDatasetProblem(item)) {
        problems.push(item);
        continue;
      }
      const target = targetOf(item, format);
      const problem =
        'problem' in target ? target.problem : await writeContent(item.content, join(temporary, target.file));
      if (problem !== null) problems.push({ problem, where: item.name });
      else if ('file' in target) rows.push(formatCsvRow(item, target.file));
      progress.update(rows.length - 1, source.count);
    }
    if (rows.length === 1) {
      throw new NetvladError('bad-input', `Nothing of ${source.description} could be converted.`, {
        ...(problems[0] === undefined ? {} : { hint: `First problem: ${problems[0].where}: ${problems[0].problem}` }),
      });
    }
    if (format === 'csv') await writeFile(join(temporary, 'index.csv'), `${rows.join('\n')}\n`);
    await rm(out, { recursive: true, force: true });
    await rename(temporary, out);
    progress.finish();
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { path: out, images: rows.length - 1, problems };
}
