/** @file What every writer of data sets does: a new folder that is complete or not there, safe file names, rows of index.csv. */
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { yawToCompass } from '../geo/angles.ts';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { toWriteFailure } from '../writeFailure.ts';
import { silentProgress, type Progress } from '../Progress.ts';
import { CSV_COLUMNS } from './csvRows.ts';
import {
  isDatasetProblem,
  type DatasetProblem,
  type GeotaggedImage,
  type GeotaggedImageSource,
} from './GeotaggedImage.ts';
import { formatCsvLine, type CsvCell } from './formatCsv.ts';
import { formatTimestamp } from './timestamps.ts';

/** A record's name as a path that ends in `extension` and does not lead out of the target folder. */
export function safeRelativePath(name: string, extension: string): string {
  const parts = name.split(/[/\\]+/).filter((part) => part !== '' && part !== '.' && part !== '..');
  const clean = parts.map((part) => part.replace(/[:*?"<>|]/g, '_')).join('/');
  return clean.toLowerCase().endsWith(extension.toLowerCase()) ? clean : `${clean}${extension}`;
}

const CSV_HEADER = CSV_COLUMNS.join(',');

/** An image's line of index.csv; `file` is relative to it. */
export function formatCsvRow(image: GeotaggedImage, file: string): string {
  const { geo, local, yawRad } = image;
  const yawDeg = yawRad === null ? null : geo === null ? (yawRad * 180) / Math.PI : yawToCompass(yawRad);
  const cells: Readonly<Record<(typeof CSV_COLUMNS)[number], CsvCell>> = {
    file,
    role: image.role,
    place: image.place,
    lat: geo?.latDeg,
    lon: geo?.lonDeg,
    alt_m: geo === null ? local?.z : geo.altM,
    x_m: local?.x,
    y_m: local?.y,
    yaw_deg: yawDeg,
    frame: image.frame,
    condition: image.condition,
    timestamp: image.stampNs === null ? null : formatTimestamp(image.stampNs),
    sequence: image.sequence,
    sigma_m: image.positionSigmaM,
  };
  return formatCsvLine(CSV_COLUMNS.map((column) => cells[column]));
}

async function assertNewFolder(path: string): Promise<void> {
  const entries = await readdir(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  if (entries.length === 0) return;
  throw new NetvladError('bad-input', `${path} exists and is not empty.`, { hint: 'Name a new folder with --out.' });
}

/** What became of a source that was written anew. */
export interface WrittenImages {
  /** Lines of index.csv. */
  readonly rows: readonly string[];
  /** Records that could not be used. */
  readonly problems: readonly DatasetProblem[];
}

/** The failure of a source of which not one image could be written, with the first reason. */
function nothingWritten(source: GeotaggedImageSource, [first]: readonly DatasetProblem[]): NetvladError {
  return new NetvladError('bad-input', `Nothing of ${source.description} could be converted.`, {
    ...(first === undefined ? {} : { hint: `First problem: ${first.where}: ${first.problem}` }),
  });
}

/** Gives `write` a temporary folder, which becomes `out` when it ends well and is removed when it does not. */
async function writeNewFolder(out: string, write: (folder: string) => Promise<void>): Promise<void> {
  await assertNewFolder(out);
  const temporary = `${resolve(out)}.${process.pid}.tmp`;
  try {
    await makeFolder(temporary);
    await write(temporary);
    await rm(out, { recursive: true, force: true });
    await rename(temporary, out);
  } catch (cause) {
    throw toWriteFailure(out, cause);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What goes into the new data set, and how. */
export interface DatasetWriting {
  /** Writes what an image becomes into `folder`: its lines of index.csv, or the sentence that says why there are none. */
  readonly write: (image: GeotaggedImage, folder: string) => Promise<readonly string[] | string>;
  /** Whether index.csv is laid beside the images. */
  readonly hasIndex: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Writes the images of a source into the new folder `out`; nothing is left there unless it ends well. */
export async function writeDataset(
  source: GeotaggedImageSource,
  out: string,
  { write, hasIndex, progress = silentProgress, signal }: DatasetWriting,
): Promise<WrittenImages> {
  const problems: DatasetProblem[] = [];
  const rows: string[] = [];
  let used = 0;
  await writeNewFolder(out, async (folder) => {
    for await (const item of source) {
      signal?.throwIfAborted();
      if (isDatasetProblem(item)) {
        problems.push(item);
        continue;
      }
      const written = await write(item, folder);
      if (typeof written === 'string') {
        problems.push({ problem: written, where: item.name });
      } else {
        rows.push(...written);
        used++;
      }
      progress.update(used, source.count);
    }
    if (rows.length === 0) throw nothingWritten(source, problems);
    if (hasIndex) await writeFile(join(folder, 'index.csv'), `${[CSV_HEADER, ...rows].join('\n')}\n`);
  });
  progress.finish();
  return { rows, problems };
}
