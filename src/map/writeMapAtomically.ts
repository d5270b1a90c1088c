/** @file A whole map or nothing: written under a temporary name, synced, renamed. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { hasMapHeader } from './mapFile.ts';
import type { MapManifest } from './MapManifest.ts';
import { MapWriter } from './MapWriter.ts';

/**
 * The work fills a temporary file beside `path`, which replaces `path` once it is complete and on the disk; when the
 * work throws, nothing is left. What a killed run left behind is written over. Throws when another process writes to
 * `path`, or when `path` is a file that is no map.
 */
export async function writeMapAtomically<Result>(
  path: string,
  manifest: MapManifest,
  work: (writer: MapWriter) => Promise<Result>,
): Promise<Result> {
  const temporary = `${path}.partial`;
  assertReplaceable(path);
  await makeFolder(dirname(path));
  assertNotInUse(temporary);
  removeMapFiles(temporary);
  try {
    const result = await fill(MapWriter.create(temporary, manifest), work);
    assertNotInUse(path);
    sync(temporary, 'r+');
    renameSync(temporary, path);
    sync(dirname(path), 'r'); // the folder: makes the new name itself durable
    return result;
  } finally {
    removeMapFiles(temporary);
  }
}

async function fill<Result>(writer: MapWriter, work: (writer: MapWriter) => Promise<Result>): Promise<Result> {
  try {
    const result = await work(writer);
    writer.close();
    return result;
  } finally {
    writer.abandon();
  }
}

/** A mistyped `--out photo.jpg` must not cost the photo. */
function assertReplaceable(path: string): void {
  if (!existsSync(path) || hasMapHeader(path)) return;
  throw new NetvladError('map', `${path} exists and is not a map.`, {
    hint: 'Name another output file, or remove this one first.',
  });
}

/** Leaving WAL mode needs the file for oneself: it fails while another process has it open, and folds a left-over log in. */
function assertNotInUse(path: string): void {
  if (!existsSync(`${path}-wal`)) return;
  const db = new Database(path, { timeout: 500 });
  try {
    db.pragma('journal_mode = DELETE');
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) return;
    throw new NetvladError('map', `Map ${path} is being written by another process.`, {
      hint: 'Wait for it, stop it, or name another output file.',
      cause: error,
    });
  } finally {
    db.close();
  }
}

function sync(path: string, flags: string): void {
  const file = openSync(path, flags);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function removeMapFiles(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}
