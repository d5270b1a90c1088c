/** @file What every writer of data sets does: a new folder that is complete or not there, safe file names, rows of index.csv. */
import { readdir, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { yawToCompass } from '../geo/angles.ts';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { CSV_COLUMNS } from './csvRows.ts';
import type { DatasetProblem, GeotaggedImage, GeotaggedImageSource } from './GeotaggedImage.ts';
import { formatTimestamp } from './timestamps.ts';

/** A record's name as a path that ends in `extension` and does not lead out of the target folder. */
export function safeRelativePath(name: string, extension: string): string {
  const parts = name.split(/[/\\]+/).filter((part) => part !== '' && part !== '.' && part !== '..');
  const clean = parts.map((part) => part.replace(/[:*?"<>|]/g, '_')).join('/');
  return clean.toLowerCase().endsWith(extension.toLowerCase()) ? clean : `${clean}${extension}`;
}

function quote(cell: string): string {
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

export const CSV_HEADER = CSV_COLUMNS.join(',');

/** An image's line of index.csv; `file` is relative to it. */
export function formatCsvRow(image: GeotaggedImage, file: string): string {
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

/** The failure of a source of which not one image could be written, with the first reason. */
export function nothingWritten(source: GeotaggedImageSource, [first]: readonly DatasetProblem[]): NetvladError {
  return new NetvladError('bad-input', `Nothing of ${source.description} could be converted.`, {
    ...(first === undefined ? {} : { hint: `First problem: ${first.where}: ${first.problem}` }),
  });
}

/** Gives `write` a temporary folder, which becomes `out` when it ends well and is removed when it does not. */
export async function writeNewFolder<T>(out: string, write: (folder: string) => Promise<T>): Promise<T> {
  await assertNewFolder(out);
  const temporary = `${resolve(out)}.${process.pid}.tmp`;
  try {
    await makeFolder(temporary);
    const result = await write(temporary);
    await rm(out, { recursive: true, force: true });
    await rename(temporary, out);
    return result;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
