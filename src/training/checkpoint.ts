/**
 * @file Checkpoints: one `.npz` with every tensor, which NumPy opens, and the run's numbers as JSON in it. Written whole
 * or not at all.
 */
import { readFile } from 'node:fs/promises';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { NetvladError } from '../errors.ts';
import { computeSha256 } from '../inference/modelFiles.ts';
import { parseNpy, toNpyHeader } from '../math/npy.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';
import type { TrainerState } from './Trainer.ts';

interface StateDocument {
  readonly format: 1;
  readonly epoch: number;
  readonly best: TrainerState['best'];
  readonly remembered: readonly (readonly [number, readonly number[]])[];
  /** Digest of config and data: a checkpoint of another run is refused. */
  readonly run: string;
}

const WEIGHT = 'weight/';
const VELOCITY = 'velocity/';

/** Names what a run depends on, so that it is not resumed with something else. */
export function computeRunDigest(facts: unknown): string {
  return computeSha256(strToU8(JSON.stringify(facts)));
}

function toNpy(data: Float32Array): Uint8Array {
  const header = toNpyHeader([data.length], 'f4');
  const bytes = new Uint8Array(header.length + data.byteLength);
  bytes.set(header);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length);
  return bytes;
}

export async function writeCheckpoint(path: string, state: TrainerState, run: string): Promise<void> {
  const document: StateDocument = {
    ...{ format: 1, epoch: state.epoch, best: state.best, run },
    remembered: [...state.remembered],
  };
  const files: Record<string, Uint8Array> = { 'state.json': strToU8(JSON.stringify(document)) };
  const add = (prefix: string, tensors: ReadonlyMap<string, Float32Array>): void => {
    for (const [name, data] of tensors) files[`${prefix}${name}.npy`] = toNpy(data);
  };
  add(WEIGHT, state.weights);
  add(VELOCITY, state.velocities);
  await writeFileAtomically(path, zipSync(files, { level: 0 }));
}

function tensorsOf(files: Record<string, Uint8Array>, prefix: string): Map<string, Float32Array> {
  const names = Object.keys(files).filter((name) => name.startsWith(prefix));
  return new Map(
    names.map((name) => [name.slice(prefix.length, -'.npy'.length), Float32Array.from(parseNpy(files[name]!).data)]),
  );
}

/** @throws NetvladError `bad-input` when the file is missing, damaged, or of a run with another config or other data */
export async function readCheckpoint(path: string, run: string): Promise<TrainerState> {
  let files: Record<string, Uint8Array>;
  let document: StateDocument;
  try {
    files = unzipSync(await readFile(path));
    document = JSON.parse(strFromU8(files['state.json']!)) as StateDocument;
  } catch (cause) {
    throw new NetvladError('bad-input', `Checkpoint ${path} cannot be read: ${(cause as Error).message}.`, {
      hint: 'Resume from a run folder that has finished at least one epoch, or start a new run.',
      cause,
    });
  }
  if (document.run !== run) {
    throw new NetvladError('bad-input', `Checkpoint ${path} belongs to a run with another config or other images.`, {
      hint: 'Resume with the config.yaml of its run folder and the same data; to change either, start a new run.',
    });
  }
  return {
    epoch: document.epoch,
    best: document.best,
    remembered: new Map(document.remembered),
    weights: tensorsOf(files, WEIGHT),
    velocities: tensorsOf(files, VELOCITY),
  };
}
