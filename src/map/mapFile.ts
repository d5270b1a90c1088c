/** @file Opening a map file: the checks before SQLite sees it, and SQLite's errors in words a user can act on. */
import { accessSync, closeSync, constants, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { NetvladError } from '../errors.ts';
import { MAP_APPLICATION_ID, MAP_FORMAT } from './mapSchema.ts';

/** Offsets in the 100-byte SQLite header (https://www.sqlite.org/fileformat2.html, section 1.3). */
const HEADER = {
  size: 100,
  magic: 'SQLite format 3\0',
  pageSize: 16,
  pageCount: 28,
  userVersion: 60,
  applicationId: 68,
};

const REBUILD = 'Build it again with `netvlad map build`, or restore it from a backup.';

function mapError(message: string, hint: string, cause?: unknown): NetvladError {
  return new NetvladError('map', message, { hint, cause });
}

function readHeader(path: string): { header: Buffer; sizeBytes: number } {
  if (!existsSync(path)) {
    throw mapError(
      `Map ${path} does not exist.`,
      `Check the path, or build it: netvlad map build SOURCE --out ${path}`,
    );
  }
  const facts = statSync(path);
  if (!facts.isFile()) {
    // A pipe would be waited for.
    const what = facts.isDirectory() ? 'a folder' : 'a pipe or a device';
    throw mapError(`${path} is ${what}, not a map file.`, 'Name the .vprmap file itself.');
  }
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw mapError(`Map ${path} cannot be read: ${(cause as Error).message}.`, 'Check its permissions.', cause);
  }
  try {
    const header = Buffer.alloc(HEADER.size);
    readSync(file, header, 0, HEADER.size, 0);
    return { header, sizeBytes: fstatSync(file).size };
  } finally {
    closeSync(file);
  }
}

/** True for our maps, whole or not; throws when the file cannot be read. */
export function hasMapHeader(path: string): boolean {
  const { header } = readHeader(path);
  return (
    header.toString('latin1', 0, HEADER.magic.length) === HEADER.magic &&
    header.readUInt32BE(HEADER.applicationId) === MAP_APPLICATION_ID
  );
}

/** Throws when the file is not a whole map of a format that this version knows. */
export function assertMapFile(path: string): void {
  const { header, sizeBytes } = readHeader(path);
  if (sizeBytes < HEADER.size || header.toString('latin1', 0, HEADER.magic.length) !== HEADER.magic) {
    const found = sizeBytes === 0 ? 'it is empty' : 'it is not a SQLite file';
    throw mapError(`${path} is not a netvlad map: ${found}.`, 'Maps are made by `netvlad map build` (*.vprmap).');
  }
  if (header.readUInt32BE(HEADER.applicationId) !== MAP_APPLICATION_ID) {
    throw mapError(
      `${path} is not a netvlad map: it is a SQLite file of another application.`,
      'Maps are made by `netvlad map build` (*.vprmap); a rosbag2 .db3 can be the SOURCE of one.',
    );
  }
  const format = header.readUInt32BE(HEADER.userVersion);
  if (format > MAP_FORMAT) {
    throw mapError(
      `Map ${path} has format ${format}; this version reads formats up to ${MAP_FORMAT}.`,
      'Update netvlad_localizer, or build the map again with this version.',
    );
  }
  const pageSize = header.readUInt16BE(HEADER.pageSize);
  const expectedBytes = (pageSize === 1 ? 65536 : pageSize) * header.readUInt32BE(HEADER.pageCount);
  // With a write-ahead log the main file may lawfully lag behind its header.
  if (sizeBytes < expectedBytes && !existsSync(`${path}-wal`)) {
    throw mapError(`Map ${path} is truncated: it holds ${sizeBytes} of ${expectedBytes} bytes.`, REBUILD);
  }
}

/**
 * A writer that was killed while it turned the write-ahead log on or off leaves a rollback journal, and SQLite lets only one
 * who may write take the half-done step back.
 */
function rollBack(path: string): void {
  if (!existsSync(`${path}-journal`) || !hasMapHeader(path)) return;
  guardMap(path, () => {
    const db = new Database(path, { fileMustExist: true });
    try {
      db.prepare('SELECT count(*) FROM manifest').get(); // the first read rolls back
    } finally {
      db.close();
    }
  });
}

/** Throws when a map at `path` cannot be written to: the file must take it, and so must its folder, where the log lies. */
export function assertWritable(path: string): void {
  const folder = dirname(path);
  if (!existsSync(folder)) {
    const hint = `Mount the disk it is meant to lie on, or make it: mkdir -p ${folder}`;
    throw mapError(`The folder ${folder}, which map ${path} is to lie in, does not exist.`, hint);
  }
  try {
    if (existsSync(path)) closeSync(openSync(path, 'r+'));
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    const hint = 'Check the permissions of the file and its folder.';
    throw mapError(`Map ${path} cannot be written: ${(cause as Error).message}.`, hint, cause);
  }
}

/** Opens a whole map for reading. */
export function openMapDatabase(path: string): Database.Database {
  rollBack(path);
  assertMapFile(path);
  return guardMap(path, () => new Database(path, { readonly: true, fileMustExist: true }));
}

/** Runs SQLite work; its errors become map errors that name the file and the cure. */
export function guardMap<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    throw toMapError(path, error);
  }
}

/** For a map that is written while somebody removes or replaces its file. */
export function movedAway(path: string, cause?: unknown): NetvladError {
  return mapError(
    `Map ${path} was removed or replaced while it was being written.`,
    'What is added now would be lost: close the map (a node: deactivate, cleanup, configure) and open it anew.',
    cause,
  );
}

/** A map has one writer: places, checksums and calibration of two would not fit together. */
export function writtenByAnother(path: string, cause?: unknown): NetvladError {
  return mapError(
    `Map ${path} is being written by another process.`,
    'Wait for it, or stop it, and open the map anew.',
    cause,
  );
}

function toMapError(path: string, error: InstanceType<typeof Database.SqliteError>): NetvladError {
  const code = error.code;
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return mapError(`Map ${path} is damaged: ${error.message}.`, REBUILD, error);
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return writtenByAnother(path, error);
  }
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR')) {
    return mapError(`Map ${path} cannot be written or read: ${error.message}.`, 'Check the disk for space.', error);
  }
  if (code === 'SQLITE_READONLY_DBMOVED') return movedAway(path, error);
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN')) {
    const hint = 'Check the permissions of the file and its folder; an unfinished map needs a writable folder.';
    return mapError(`Map ${path} cannot be opened: ${error.message}.`, hint, error);
  }
  return mapError(`Map ${path}: ${error.message}.`, REBUILD, error);
}
