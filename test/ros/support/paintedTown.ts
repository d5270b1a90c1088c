/** @file A small real map for the graph tests: painted places described by the tiny model. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GeotaggedImageSource } from '../../../src/datasets/GeotaggedImage.ts';
import { encodeJpeg } from '../../../src/image/encode.ts';
import type { RgbImage } from '../../../src/image/RgbImage.ts';
import { loadModel } from '../../../src/inference/loadModel.ts';
import { buildMap } from '../../../src/map/buildMap.ts';
import { paintPlace } from '../../support/paintPlace.ts';
import { writeTinyModel } from '../../support/tinyModel.ts';

export interface PaintedTown {
  readonly folder: string;
  /** Parameters that make the node use it. */
  readonly parameters: { readonly model: string; readonly map: string };
  /** Image i was taken at (10 i, 0), heading east. */
  readonly images: readonly RgbImage[];
  /** JPEG files, the same as those the map was made of. */
  readonly files: readonly string[];
  /** The pixels as rgb8, row by row. */
  readonly pixelFiles: readonly string[];
  remove(): Promise<void>;
}

export const TOWN_SIZE = 12;

/** Described by the tiny model (another `seed` is another model), or by the model whose path is given. */
export async function createPaintedTown(
  options: { readonly model?: string; readonly seed?: number } = {},
): Promise<PaintedTown> {
  const folder = await mkdtemp(path.join(tmpdir(), 'painted-town-'));
  const images = Array.from({ length: TOWN_SIZE }, (_, i) => paintPlace(i + 1));
  const files = await Promise.all(
    images.map(async (image, i) => {
      const file = path.join(folder, `${i}.jpg`);
      await writeFile(file, await encodeJpeg(image, 95));
      return file;
    }),
  );
  const pixelFiles = await Promise.all(
    images.map(async ({ data }, i) => {
      const file = path.join(folder, `${i}.rgb`);
      await writeFile(file, data);
      return file;
    }),
  );
  const source: GeotaggedImageSource = {
    description: 'painted town',
    count: files.length,
    async *[Symbol.asyncIterator]() {
      for (const [i, file] of files.entries()) {
        yield {
          name: path.basename(file),
          content: { kind: 'file', path: file },
          role: null,
          place: null,
          geo: null,
          local: { x: 10 * i, y: 0, z: 0 },
          yawRad: 0,
          orientation: null,
          positionSigmaM: 0.5,
          stampNs: BigInt(i + 1) * 1_000_000_000n,
          sequence: 'town',
          frame: i,
          condition: null,
        };
        await Promise.resolve();
      }
    },
  };
  const modelPath = options.model ?? (await writeTinyModel({ folder, seed: options.seed ?? 1 }));
  const model = await loadModel(modelPath);
  const map = path.join(folder, 'town.vprmap');
  const datum = { latDeg: 48, lonDeg: 11, altM: 500 };
  await buildMap(source, model, { out: map, datum });
  await model.dispose();
  return {
    folder,
    parameters: { model: modelPath, map },
    images,
    files,
    pixelFiles,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
