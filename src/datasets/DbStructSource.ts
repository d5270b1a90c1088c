/** @file The `dbStruct` MAT-files that describe Pittsburgh, Tokyo 24/7 and their kin for most NetVLAD tools. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NetvladError } from '../errors.ts';
import { createGeotaggedImage, type GeotaggedImage, type GeotaggedImageSource } from './GeotaggedImage.ts';
import { reportMissingFiles } from './imageFiles.ts';
import { parseMatFile, type MatValue } from './matFile.ts';
import { readSourceFile } from './readSourceFile.ts';
import { assertSelectable, describeSelection, emptySourceError, type SourceSelection } from './SourceSelection.ts';
import { countOf } from '../countOf.ts';

/** Images of one role with their UTM positions. */
export interface DbStructImages {
  readonly names: readonly string[];
  /** [names.length, 2] easting, northing in metres; float64, for float32 changes the ground truth. */
  readonly utm: Float64Array;
}

export interface DbStruct {
  /** `train`, `val`, `test`. */
  readonly set: string;
  readonly database: DbStructImages;
  readonly queries: DbStructImages;
  /** Positives lie within it, metres. */
  readonly positiveDistanceM: number | null;
}

type Fields = ReadonlyMap<string, MatValue>;

function readImages(fields: Fields, [namesField, utmField]: readonly [string, string], path: string): DbStructImages {
  const wrong = (field: string, expected: string): NetvladError =>
    new NetvladError('bad-input', `${path}: field ${field} of dbStruct must be ${expected}.`);
  const names = fields.get(namesField);
  const utm = fields.get(utmField);
  if (names?.kind !== 'cells') throw wrong(namesField, 'a cell array of file names');
  const texts = names.cells.map((cell) => {
    if (cell.kind !== 'text') throw wrong(namesField, 'a cell array of file names');
    return cell.text;
  });
  if (utm?.kind !== 'numbers' || utm.values.length !== 2 * texts.length || utm.dimensions[0] !== 2) {
    throw wrong(utmField, `2 x ${texts.length} numbers (easting; northing)`);
  }
  return { names: texts, utm: Float64Array.from(utm.values) };
}

function readScalar(fields: Fields, field: string): number | null {
  const value = fields.get(field);
  return value?.kind === 'numbers' ? (value.values[0] ?? null) : null;
}

/** Parses the bytes of a `dbStruct` file. */
export function parseDbStruct(bytes: Uint8Array, path: string): DbStruct {
  const structure = parseMatFile(bytes, path).get('dbStruct');
  if (structure?.kind !== 'structures' || structure.elements.length !== 1) {
    throw new NetvladError('bad-input', `${path} holds no variable dbStruct.`, {
      hint: 'Expected is a structure with the fields dbImageFns, utmDb, qImageFns and utmQ.',
    });
  }
  const fields = structure.elements[0]!;
  const set = fields.get('whichSet');
  return {
    set: set?.kind === 'text' ? set.text : '',
    database: readImages(fields, ['dbImageFns', 'utmDb'], path),
    queries: readImages(fields, ['qImageFns', 'utmQ'], path),
    positiveDistanceM: readScalar(fields, 'posDistThr'),
  };
}

export interface DbStructOptions extends SourceSelection {
  /** Folder that the file names are relative to; the MAT-file's own unless given. Queries may lie in `queries_real` below it. */
  readonly imageRoot?: string | undefined;
}

/** The zone is not in the file: positions are local metres (easting, northing). Their north is the grid's. */
export async function openDbStructSource(path: string, options: DbStructOptions = {}): Promise<GeotaggedImageSource> {
  const struct = parseDbStruct(await readSourceFile(path), path);
  assertSelectable(path, options, { role: new Set(['database', 'query']), condition: new Set() });
  const root = options.imageRoot ?? dirname(path);
  const queryRoot = existsSync(join(root, 'queries_real')) ? join(root, 'queries_real') : root;
  const groups = [
    { role: 'database', folder: root, images: struct.database },
    { role: 'query', folder: queryRoot, images: struct.queries },
  ].filter(({ role }) => options.role === undefined || role === options.role);
  const count = groups.reduce((sum, { images }) => sum + images.names.length, 0);
  if (count === 0) throw emptySourceError(path, 'file names in dbImageFns and qImageFns');
  function* items(): Generator<GeotaggedImage> {
    for (const { role, folder, images } of groups) {
      for (const [at, name] of images.names.entries()) {
        const local = { x: images.utm[2 * at]!, y: images.utm[2 * at + 1]!, z: 0 };
        yield createGeotaggedImage(`${role}/${name}`, { kind: 'file', path: join(folder, name) }, { role, local });
      }
    }
  }
  return {
    description: `dbStruct ${path} (${countOf(count, 'image')}${describeSelection(options)})`,
    count,
    [Symbol.asyncIterator]: () => reportMissingFiles(items(), (image) => `${path}, ${image.role ?? ''}`),
  };
}
