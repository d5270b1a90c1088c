/** @file Opens a recording of any format that we read, told by its first bytes. */
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, open, readFile, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { NetvladError } from '../errors.ts';
import type { DatasetProblem } from '../datasets/GeotaggedImage.ts';
import type { BagSource } from './BagSource.ts';
import { JoinedBag } from './JoinedBag.ts';
import { McapBag } from './McapBag.ts';
import { Ros1Bag } from './Ros1Bag.ts';
import { parseRosbag2Metadata } from './rosbag2Metadata.ts';
import { SqliteBag } from './SqliteBag.ts';
import { usesLog, wholePagesOfCut } from './sqlitePages.ts';
import { isZstd, unpackZstdFile } from './zstd.ts';

const METADATA = 'metadata.yaml';
const RECORDING_FILE = /\.(mcap|db3|bag)(\.zstd)?$/;

type BagFormat = 'mcap' | 'sqlite' | 'ros1';

const FORMATS: readonly { readonly format: BagFormat; readonly magic: string; readonly suffix: string }[] = [
  { format: 'mcap', magic: '\x89MCAP0\r\n', suffix: '.mcap' },
  { format: 'sqlite', magic: 'SQLite format 3\0', suffix: '.db3' },
  { format: 'ros1', magic: '#ROSBAG V2.0', suffix: '.bag' },
];

/**
 * Opens an MCAP, rosbag2 (file or folder) or ROS 1 recording. What is damaged inside comes later, as problems in the
 * stream of messages; throws `bad-input` when nothing at all can be read. Close the source: packed files are unpacked into
 * a temporary folder that `close` removes.
 */
export async function openBag(path: string): Promise<BagSource> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new NetvladError('bad-input', `The recording ${path} cannot be opened: ${(cause as Error).message}.`, {
      cause,
    });
  });
  if (facts.isDirectory()) return openFolder(path);
  if (facts.isFile()) return openFile(path);
  throw new NetvladError('bad-input', `The recording ${path} is a pipe or a device.`, {
    hint: 'A recording is read here and there, its index first: save it as a file.',
  });
}

async function openFile(path: string): Promise<BagSource> {
  const head = await readHead(path);
  if (head.length === 0) throw new NetvladError('bad-input', `The recording ${path} is empty.`);
  if (isZstd(head)) return openPacked(path);
  switch (formatOf(path, head)) {
    case 'mcap':
      return McapBag.open(path);
    case 'sqlite':
      return openSqlite(path);
    case 'ros1':
      return Ros1Bag.open(path);
    case null:
      throw new NetvladError('bad-input', `${path} is no recording: its first bytes are of no known format.`, {
        hint: 'MCAP (.mcap), rosbag2 with SQLite (.db3 or a folder) and ROS 1 (.bag) are read.',
      });
  }
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** By the first bytes; by the name when they are damaged, so that the rest can still be read. */
function formatOf(path: string, head: Uint8Array): BagFormat | null {
  const text = String.fromCharCode(...head);
  const byMagic = FORMATS.find(({ magic }) => text.startsWith(magic));
  return (byMagic ?? FORMATS.find(({ suffix }) => path.endsWith(suffix)))?.format ?? null;
}

/** A file that rosbag2 compressed as a whole: unpacked into a temporary folder, read, removed. */
async function openPacked(path: string): Promise<BagSource> {
  return openTemporary(async (folder) => {
    const unpacked = join(folder, basename(path).replace(/\.zstd$/, ''));
    const { problem } = await unpackZstdFile(path, unpacked);
    const bag = await openFile(unpacked);
    const problems = problem === null ? [] : [{ problem: `The file is cut or damaged (${problem}).`, where: path }];
    return new JoinedBag(path, [bag], problems);
  });
}

/**
 * Two kinds of databases are read from a copy: one that ends inside of a page, of which only the whole pages are taken (sqlitePages.ts
 * says why), and one with a write-ahead log (rosbag2's preset `resilient`) where no file may be written beside it, as SQLite must
 * even for reading.
 */
async function openSqlite(path: string): Promise<BagSource> {
  const bytes = wholePagesOfCut(path);
  if (bytes === null) {
    try {
      return SqliteBag.open(path);
    } catch (error) {
      if (!usesLog(path)) throw error;
    }
  }
  return openTemporary(async (folder) => {
    const copy = join(folder, basename(path));
    await copyWritable(path, copy);
    if (bytes !== null) await truncate(copy, bytes);
    else if (existsSync(`${path}-wal`)) await copyWritable(`${path}-wal`, `${copy}-wal`);
    return SqliteBag.open(path, copy);
  });
}

/** A read-only recording would make a read-only copy. */
async function copyWritable(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o600);
}

/** Opens a source on files of its own; they go when it is closed, or when opening fails. */
async function openTemporary(work: (folder: string) => Promise<BagSource>): Promise<BagSource> {
  const folder = await mkdtemp(join(tmpdir(), 'netvlad-bag-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const bag = await work(folder);
    const { path, description, topics, range } = bag;
    const close = (): Promise<void> => bag.close().then(remove);
    return { path, description, topics, range, messages: (names) => bag.messages(names), close };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function openFolder(folder: string): Promise<BagSource> {
  const problems: DatasetProblem[] = [];
  const names = await listFiles(folder, problems);
  const parts: BagSource[] = [];
  for (const name of names) {
    const path = join(folder, name);
    try {
      parts.push(await openFile(path));
    } catch (error) {
      problems.push({ problem: (error as Error).message, where: path });
    }
  }
  if (parts.length === 0) {
    const why = problems.map(({ problem }) => problem).join(' ');
    throw new NetvladError('bad-input', `The folder ${folder} holds no readable recording. ${why}`.trimEnd(), {
      hint: 'A rosbag2 folder holds .mcap or .db3 files, and usually a metadata.yaml.',
    });
  }
  return new JoinedBag(folder, parts, problems);
}

/** The recording's files: as metadata.yaml lists them, or all that look like it, in the order of their numbers. */
async function listFiles(folder: string, problems: DatasetProblem[]): Promise<readonly string[]> {
  const present = (await readdir(folder)).filter((name) => RECORDING_FILE.test(name));
  const inOrder = present.sort(new Intl.Collator('en', { numeric: true }).compare);
  const path = join(folder, METADATA);
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return inOrder;
  let listed: readonly string[];
  try {
    listed = parseRosbag2Metadata(text);
  } catch (error) {
    problems.push({
      problem: `The list of files is unreadable (${(error as Error).message}); all are read.`,
      where: path,
    });
    return inOrder;
  }
  // Early rosbag2 wrote the folder's own name into the paths.
  const names = listed.map((name) => basename(name));
  for (const name of names.filter((each) => !present.includes(each))) {
    problems.push({ problem: 'The file is listed in metadata.yaml but is not there.', where: join(folder, name) });
  }
  return names.filter((name) => present.includes(name));
}
