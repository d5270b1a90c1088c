/** @file Which files are images, and whether they are there. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { isDatasetProblem, type DatasetProblem, type GeotaggedImage } from './GeotaggedImage.ts';

export const IMAGE_NAME = /\.(jpe?g|png|webp|tiff?|gif|avif)$/i;
/** Files whose existence is asked for at once. */
const CHECKED_TOGETHER = 64;

/** Paths of all images below `root`, relative to it with `/`, sorted by code point; hidden files and folders are left out. */
export async function listImageFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const named = entries.filter((entry) => !entry.isDirectory() && IMAGE_NAME.test(entry.name));
  const areReadable = await Promise.all(named.map(mayBeRead));
  return named
    .filter((_entry, i) => areReadable[i])
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.split('/').some((part) => part.startsWith('.')))
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A pipe would be waited for, a device read without end. A link that leads nowhere is told of when it is read. */
async function mayBeRead(entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile();
  return stat(join(entry.parentPath, entry.name)).then(
    (target) => target.isFile(),
    () => true,
  );
}

/** The role that the folders of a path name by custom (`test/database/a.jpg`, `queries/b.jpg`), or null. */
export function roleOfPath(path: string): string | null {
  for (const folder of path.split('/').slice(0, -1)) {
    if (/^(database|db|reference|ref)$/i.test(folder)) return 'database';
    if (/^(queries|query)$/i.test(folder)) return 'query';
  }
  return null;
}

/** Why a path is no file that can be read; null when it is one. */
async function findFileProblem(path: string): Promise<string | null> {
  return stat(path).then(
    (facts) => (facts.isFile() ? null : `${path} is a folder, a pipe or a device, not an image.`),
    () => `The image ${path} does not exist.`,
  );
}

/** Passes a stream on; an image without a file becomes a problem. `where` names the record of an image. */
export async function* reportMissingFiles(
  items: Iterable<GeotaggedImage | DatasetProblem>,
  where: (image: GeotaggedImage) => string,
): AsyncGenerator<GeotaggedImage | DatasetProblem> {
  const check = async (item: GeotaggedImage | DatasetProblem): Promise<GeotaggedImage | DatasetProblem> => {
    if (isDatasetProblem(item) || item.content.kind !== 'file') return item;
    const problem = await findFileProblem(item.content.path);
    return problem === null ? item : { problem, where: where(item) };
  };
  let batch: (GeotaggedImage | DatasetProblem)[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < CHECKED_TOGETHER) continue;
    yield* await Promise.all(batch.map(check));
    batch = [];
  }
  yield* await Promise.all(batch.map(check));
}
