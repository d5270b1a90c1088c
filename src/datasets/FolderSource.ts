/** @file Folders of images: plain, geotagged by EXIF, or with the position in the names. */
import { basename, dirname, join } from 'node:path';
import { readExifFacts } from './exifFacts.ts';
import {
  createGeotaggedImage,
  type DatasetProblem,
  type GeotaggedImage,
  type GeotaggedImageSource,
} from './GeotaggedImage.ts';
import { listImageFiles, roleOfPath } from './imageFiles.ts';
import { assertSelectable, describeSelection, emptySourceError, type SourceSelection } from './SourceSelection.ts';
import { parseUtmName } from './utmNames.ts';
import { countOf } from '../countOf.ts';

/** What the files of a folder know beside their pixels. */
export type FolderKind = 'plain' | 'exif' | 'utm-names';

const DESCRIPTIONS: Readonly<Record<FolderKind, string>> = {
  plain: 'Folder',
  exif: 'EXIF-tagged folder',
  'utm-names': 'Folder with UTM names',
};
/** Images that are looked at to recognise a folder's kind. */
const PROBED = 8;

/** Recognises the kind by its first images. */
async function probe(root: string, files: readonly string[]): Promise<FolderKind> {
  const first = files.slice(0, PROBED);
  if (first.some((file) => typeof parseUtmName(basename(file)) !== 'string')) return 'utm-names';
  const facts = await Promise.all(first.map((file) => readExifFacts(join(root, file))));
  return facts.some(({ geo }) => geo !== null) ? 'exif' : 'plain';
}

/** Order and sequence are the folder's: files of one sub-folder are one sequence. */
async function readImage(root: string, file: string, kind: FolderKind): Promise<GeotaggedImage | DatasetProblem> {
  const path = join(root, file);
  const folder = dirname(file);
  const facts = { role: roleOfPath(file), sequence: folder === '.' ? null : folder };
  if (kind === 'utm-names') {
    const named = parseUtmName(basename(file));
    if (typeof named === 'string') return { problem: named, where: path };
    return createGeotaggedImage(file, { kind: 'file', path }, { ...facts, ...named });
  }
  const tags = kind === 'exif' ? await readExifFacts(path) : {};
  return createGeotaggedImage(file, { kind: 'file', path }, { ...facts, ...tags });
}

/** Opens all images below a folder, sorted by path. Roles come from folders named `database` and `queries`. */
export async function openFolderSource(root: string, selection: SourceSelection = {}): Promise<GeotaggedImageSource> {
  const all = await listImageFiles(root);
  if (all.length === 0) throw emptySourceError(root, 'JPEG, PNG, WebP or TIFF files in it or in folders below it');
  const roles = new Set(all.map(roleOfPath).filter((role) => role !== null));
  assertSelectable(root, selection, { role: roles, condition: new Set() });
  const files = selection.role === undefined ? all : all.filter((file) => roleOfPath(file) === selection.role);
  const kind = await probe(root, files);
  async function* items(): AsyncGenerator<GeotaggedImage | DatasetProblem> {
    for (const [at, file] of files.entries()) {
      const image = await readImage(root, file, kind);
      yield 'problem' in image ? image : { ...image, frame: at };
    }
  }
  return {
    description: `${DESCRIPTIONS[kind]} ${root} (${countOf(files.length, 'image')}${describeSelection(selection)})`,
    count: files.length,
    [Symbol.asyncIterator]: items,
  };
}
