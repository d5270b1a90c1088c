/** @file One door to every kind of image source: the path alone says which it is. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { NetvladError } from '../errors.ts';
import { openCsvSource } from './CsvSource.ts';
import { openDbStructSource } from './DbStructSource.ts';
import { openFolderSource } from './FolderSource.ts';
import type { GeotaggedImageSource } from './GeotaggedImage.ts';
import type { SourceSelection } from './SourceSelection.ts';

export type ImageSourceKind = 'folder' | 'csv' | 'dbstruct' | 'recording';

export interface ImageSourceOptions extends SourceSelection {
  /** Folder of the images that a `dbStruct` names. */
  readonly imageRoot?: string | undefined;
  /** Opens an `.mcap`, `.db3`, `.bag` or rosbag2 folder; the room of recordings is joined by the caller. */
  readonly openRecording?: (path: string, selection: SourceSelection) => Promise<GeotaggedImageSource>;
}

const EXPECTED =
  'A source is a folder of images, a CSV file (or a folder with index.csv), a dbStruct .mat, or a recording (.mcap, .db3, .bag, rosbag2 folder).';

function isRecording(name: string): boolean {
  return /\.(mcap|db3|bag)(\.zstd)?$/i.test(name);
}

/** What a path leads to. A folder with an `index.csv` is a CSV source, one with `metadata.yaml` or recordings is a recording. */
export function recognizeImageSource(path: string): ImageSourceKind {
  if (!existsSync(path)) {
    throw new NetvladError('bad-input', `${path} does not exist.`, { hint: EXPECTED });
  }
  if (statSync(path).isDirectory()) {
    if (existsSync(join(path, 'index.csv'))) return 'csv';
    return existsSync(join(path, 'metadata.yaml')) || readdirSync(path).some(isRecording) ? 'recording' : 'folder';
  }
  if (/\.csv$/i.test(path)) return 'csv';
  if (/\.mat$/i.test(path)) return 'dbstruct';
  if (isRecording(path)) return 'recording';
  throw new NetvladError('bad-input', `${path} is not an image source.`, { hint: EXPECTED });
}

/** Opens whatever `path` is. Throws `bad-input` for sources that cannot be used as a whole. */
export async function openImageSource(path: string, options: ImageSourceOptions = {}): Promise<GeotaggedImageSource> {
  switch (recognizeImageSource(path)) {
    case 'csv':
      return openCsvSource(statSync(path).isDirectory() ? join(path, 'index.csv') : path, options);
    case 'dbstruct':
      return openDbStructSource(path, options);
    case 'folder':
      return openFolderSource(path, options);
    case 'recording':
      if (options.openRecording !== undefined) return options.openRecording(path, options);
      throw new NetvladError('bad-input', `${path} is a recording; images are expected here.`, { hint: EXPECTED });
  }
}
