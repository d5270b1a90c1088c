/** @file Which files are images, and whether they are there. */
import { access, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { isDatasetProblem, type DatasetProblem, type GeotaggedImage } from './GeotaggedImage.ts';

export const IMAGE_NAME = /\.(jpe?g|png|webp|tiff?|gif|avif)$/i;
/** Files whose existence is asked for at once. */
const CHECKED_TOGETHER = 64;

/** Paths of all images below `root`, relative to it with `/`, sorted by code point; hidden files and folders are left out. */
export async function listImageFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && IMAGE_NAME.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.split('/').some((part) => part.startsWith('.')))
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The role that the folders of a path name by custom (`test/database/a.jpg`, `queries/b.jpg`), or null. */
export function roleOfPath(path: string): string | null {
  for (const folder of path.split('/').slice(0, -1)) {
    if (/^(database|db|reference|ref)$/i.test(folder)) return 'database';
    if (/^(queries|query)$/i.test(folder)) return 'query';
  }
  return null;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Passes a stream on; an image whose file is missing becomes a problem. `where` names the record of an image. */
export async function* reportMissingFiles(
  items: Iterable<GeotaggedImage | DatasetProblem>,
  where: (image: GeotaggedImage) => string,
): AsyncGenerator<GeotaggedImage | DatasetProblem> {
  const check = async (item: GeotaggedImage | DatasetProblem): Promise<GeotaggedImage | DatasetProblem> => {
    if (isDatasetProblem(item) || item.content.kind !== 'file' || (await exists(item.content.path))) return item;
    return { problem: `The image ${item.content.path} does not exist.`, where: where(item) };
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
