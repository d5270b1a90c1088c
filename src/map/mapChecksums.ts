/** @file The checksum of a map's content, one sha256 a table, independent of how SQLite lays out its pages. */
import { createHash } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import type { MapChecksums } from './MapManifest.ts';
import { CONTENT_TABLES, type ContentTable } from './mapSchema.ts';

/**
 * sha256 over the rows in ascending id: of each value its type letter, its length in bytes, a colon and its bytes
 * (integers and text as UTF-8, reals as float64 little-endian, blobs as they are).
 */
export function computeTableChecksum(db: Database, table: ContentTable): string {
  const hash = createHash('sha256');
  const rows = db.prepare(`SELECT * FROM ${table} ORDER BY ${CONTENT_TABLES[table]}`).raw().safeIntegers();
  const real = Buffer.alloc(8);
  const update = (type: string, bytes: Uint8Array): void => {
    hash.update(`${type}${bytes.length}:`).update(bytes);
  };
  for (const row of rows.iterate() as IterableIterator<readonly unknown[]>) {
    for (const value of row) {
      if (value === null) update('n', new Uint8Array(0));
      else if (typeof value === 'number') {
        real.writeDoubleLE(value);
        update('r', real);
      } else if (value instanceof Uint8Array) update('b', value);
      else update(typeof value === 'bigint' ? 'i' : 't', Buffer.from(String(value as string | bigint)));
    }
  }
  return hash.digest('hex');
}

export function computeMapChecksums(db: Database): MapChecksums {
  return {
    place: computeTableChecksum(db, 'place'),
    descriptor: computeTableChecksum(db, 'descriptor'),
    local_features: computeTableChecksum(db, 'local_features'),
    thumbnail: computeTableChecksum(db, 'thumbnail'),
  };
}
