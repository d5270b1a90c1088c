/** @file The HNSW graph on disk: a cache beside the map, rebuilt whenever it does not provably belong to it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { describeError } from '../errors.ts';
import { TOOL_VERSION } from '../version.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';
import { DEFAULT_HNSW_OPTIONS, HnswIndex, type HnswOptions } from './HnswIndex.ts';

/** What the graph is made of. */
export interface HnswSource {
  /** Changes whenever a descriptor or a place id changes, e.g. the map's checksum of its descriptor table. */
  readonly fingerprint: string;
  readonly dimension: number;
  readonly places: readonly number[];
  /** [places.length, dimension]; called only when the graph must be built. */
  readDescriptors(): Float32Array | Promise<Float32Array>;
}

export interface CachedHnswIndex {
  readonly index: HnswIndex;
  /** Why the graph was built anew; null when the cache was used. */
  readonly rebuilt: string | null;
  /** Why the new graph could not be kept (a read-only folder, a full disk); null when it was, or needed not be. */
  readonly notSaved: string | null;
}

/** `name.hnsw.json` beside `name.hnsw`. */
const headerSchema = z.object({
  format: z.literal(1),
  toolVersion: z.string(),
  fingerprint: z.string(),
  dimension: z.int().positive(),
  count: z.int().nonnegative(),
  m: z.int().positive(),
  efConstruction: z.int().positive(),
  seed: z.int(),
  /** sha256 of the graph file. */
  sha256: z.string(),
});

type HnswHeader = z.infer<typeof headerSchema>;

const headerPathOf = (path: string): string => `${path}.json`;

async function computeFileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function describeSource(source: HnswSource, options: HnswOptions): Omit<HnswHeader, 'sha256' | 'toolVersion'> {
  const { m, efConstruction, seed } = options;
  const { fingerprint, dimension } = source;
  return { format: 1, fingerprint, dimension, count: source.places.length, m, efConstruction, seed };
}

/** The reason why the cache cannot be used, or null. */
async function checkCache(path: string, source: HnswSource, options: HnswOptions): Promise<string | null> {
  let header: HnswHeader;
  try {
    header = headerSchema.parse(JSON.parse(await readFile(headerPathOf(path), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'there is no cache yet';
    return 'its header cannot be read';
  }
  for (const [key, expected] of Object.entries(describeSource(source, options))) {
    const found = header[key as keyof HnswHeader];
    if (found !== expected) return `its ${key} is ${found}, expected ${expected}`;
  }
  try {
    return (await computeFileSha256(path)) === header.sha256 ? null : 'its checksum is wrong';
  } catch {
    return 'its graph file cannot be read';
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The header goes last: a graph without its header is no cache. Temporary names are private to the process. */
async function saveCache(index: HnswIndex, path: string, source: HnswSource): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await index.writeFile(temporary);
    const sha256 = await computeFileSha256(temporary);
    const header: HnswHeader = { ...describeSource(source, index.options), toolVersion: TOOL_VERSION, sha256 };
    await sync(temporary);
    await rename(temporary, path);
    await writeFileAtomically(headerPathOf(path), `${JSON.stringify(header, null, 2)}\n`);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Opens the graph at `path`, or builds and saves it when the file is missing, damaged or of another source. */
export async function openCachedHnswIndex(
  path: string,
  source: HnswSource,
  options: Partial<HnswOptions> = {},
): Promise<CachedHnswIndex> {
  const all = { ...DEFAULT_HNSW_OPTIONS, ...options };
  const unusable = await checkCache(path, source, all);
  if (unusable === null) {
    return { index: await HnswIndex.readFile(path, source.dimension, all), rebuilt: null, notSaved: null };
  }
  const index = HnswIndex.create(source.dimension, all);
  await index.add(source.places, await source.readDescriptors());
  try {
    await saveCache(index, path, source);
    return { index, rebuilt: unusable, notSaved: null };
  } catch (error) {
    return { index, rebuilt: unusable, notSaved: describeError(error) };
  }
}
