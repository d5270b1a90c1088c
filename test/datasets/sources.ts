/** @file Reading whole sources and making folders in tests. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  isDatasetProblem,
  type DatasetProblem,
  type GeotaggedImage,
  type GeotaggedImageSource,
} from '../../src/datasets/GeotaggedImage.ts';

export async function readAll(
  source: GeotaggedImageSource,
): Promise<{ images: GeotaggedImage[]; problems: DatasetProblem[] }> {
  const images: GeotaggedImage[] = [];
  const problems: DatasetProblem[] = [];
  for await (const item of source) {
    if (isDatasetProblem(item)) problems.push(item);
    else images.push(item);
  }
  return { images, problems };
}

/** Gives a test suite a folder that is empty before each test; `write` creates files (path -> content) in it. */
export function useFolder(): {
  readonly path: string;
  write(files: Record<string, string | Uint8Array>): Promise<void>;
} {
  let path = '';
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'netvlad-datasets-'));
  });
  afterEach(() => rm(path, { recursive: true }));
  return {
    get path() {
      return path;
    },
    async write(files) {
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(path, file)), { recursive: true });
        await writeFile(join(path, file), content);
      }
    },
  };
}
