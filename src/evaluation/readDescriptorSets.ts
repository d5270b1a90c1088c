/** @file Descriptors of other programs, and the positions that go with them, from .npy and .npz files. */
import { readFile } from 'node:fs/promises';
import { NetvladError } from '../errors.ts';
import { parseNpy, parseNpz, type NumberArray } from '../math/npy.ts';
import type { DescriptorSet } from './evaluateDescriptors.ts';

async function readArrays<Result>(file: string, parse: (bytes: Uint8Array) => Result): Promise<Result> {
  try {
    return parse(await readFile(file));
  } catch (cause) {
    throw new NetvladError('bad-input', `${file} cannot be read: ${(cause as Error).message}.`, {
      hint: 'Expected NumPy arrays: descriptors as .npy [images, D], positions as .npz with utmQ and utmDb [images, 2].',
      cause,
    });
  }
}

/** utmQ and utmDb as Patch-NetVLAD names them. */
async function readPositions(file: string): Promise<{ queries: NumberArray; database: NumberArray }> {
  const arrays = await readArrays(file, parseNpz);
  const [queries, database] = [arrays.get('utmQ'), arrays.get('utmDb')];
  if (queries !== undefined && database !== undefined) return { queries, database };
  throw new NetvladError(
    'bad-input',
    `${file} has no arrays utmQ and utmDb; it has: ${[...arrays.keys()].join(', ')}.`,
  );
}

export async function readDescriptorSets(
  paths: { readonly database: string; readonly queries: string },
  { groundTruth }: { readonly groundTruth?: string },
): Promise<{ readonly database: DescriptorSet; readonly queries: DescriptorSet }> {
  const positions = groundTruth?.endsWith('.npz') === true ? await readPositions(groundTruth) : null;
  const readSet = async (path: string, placed: NumberArray | undefined): Promise<DescriptorSet> => ({
    path,
    descriptors: await readArrays(path, parseNpy),
    positions: placed ?? null,
  });
  return {
    database: await readSet(paths.database, positions?.database),
    queries: await readSet(paths.queries, positions?.queries),
  };
}
