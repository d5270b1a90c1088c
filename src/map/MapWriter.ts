/** @file Writing places into a map file; what `append` has returned for survives a kill. */
import { existsSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { NetvladError } from '../errors.ts';
import type { GeoPoint } from '../geo/Pose.ts';
import { keepsLocalFeatures, readLocalBytes, thinLocalFeatures } from './localBudget.ts';
import { computeMapChecksums } from './mapChecksums.ts';
import { assertMapFile, guardMap, movedAway, writtenByAnother } from './mapFile.ts';
import { toManifestRows, type MapManifest, type MapSource } from './MapManifest.ts';
import { MAP_APPLICATION_ID, MAP_FORMAT, MAP_SCHEMA } from './mapSchema.ts';
import type { NewPlace } from './Place.ts';
import { readManifest } from './PlaceMap.ts';
import { PLACE_COLUMNS, toPlaceValues } from './placeRows.ts';

/** What of a manifest may change during a map's life. */
export interface ManifestChanges {
  readonly datum?: GeoPoint | null;
  readonly calibration?: unknown;
  readonly sources?: readonly MapSource[];
}

const INSERT_PLACE = `INSERT INTO place(${PLACE_COLUMNS.join(', ')}) VALUES (${PLACE_COLUMNS.map(() => '?').join(', ')})`;

/**
 * The one process that adds to a map. `append` commits a transaction: when it returns, the places are on the disk
 * (write-ahead log, synchronous FULL). `close` folds the log in, so that a finished map is a single file.
 */
export class MapWriter {
  readonly path: string;
  readonly #db: Database.Database;
  readonly #insert: (places: readonly NewPlace[]) => number[];
  /** The file that was opened, whatever lies at its path later. */
  readonly #inode: bigint;
  /** SQLite's count of what others have committed. */
  readonly #othersVersion: number;
  #manifest: MapManifest;
  /** Bytes of the local features in the file; counted when a budget asks for it. */
  #localBytes: number | null = null;

  private constructor(path: string, db: Database.Database, manifest: MapManifest) {
    this.path = path;
    this.#db = db;
    this.#inode = statSync(path, { bigint: true }).ino;
    this.#othersVersion = this.#readOthersVersion();
    this.#manifest = manifest;
    this.#insert = this.#prepareInsert();
  }

  /** Creates a map file; throws when `path` exists. */
  static create(path: string, manifest: MapManifest): MapWriter {
    if (existsSync(path)) {
      throw new NetvladError('map', `${path} exists already.`, { hint: 'Name another file, or remove it first.' });
    }
    return guardMap(path, () => {
      const db = new Database(path);
      db.pragma(`application_id = ${MAP_APPLICATION_ID}`);
      db.pragma(`user_version = ${MAP_FORMAT}`);
      db.exec(MAP_SCHEMA);
      const writer = MapWriter.#start(path, db, manifest);
      writer.#writeManifest(manifest);
      return writer;
    });
  }

  /** Opens an existing map to add places, also one that a killed process left with its log. */
  static open(path: string): MapWriter {
    assertMapFile(path);
    return guardMap(path, () => {
      const db = new Database(path, { fileMustExist: true });
      return MapWriter.#start(path, db, readManifest(path, db));
    });
  }

  static #start(path: string, db: Database.Database, manifest: MapManifest): MapWriter {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    return new MapWriter(path, db, manifest);
  }

  get manifest(): MapManifest {
    return this.#manifest;
  }

  get size(): number {
    return guardMap(this.path, () => this.#db.prepare<[], number>('SELECT count(*) FROM place').pluck().get() ?? 0);
  }

  /** Adds places in one transaction, all or none; returns their ids in the same order. */
  append(places: readonly NewPlace[]): readonly number[] {
    const { dimension } = this.#manifest.model;
    const odd = places.find(({ descriptor }) => descriptor.length !== dimension);
    if (odd !== undefined) {
      throw new NetvladError(
        'internal',
        `${odd.place.image}: descriptor of ${odd.descriptor.length}, not ${dimension}.`,
      );
    }
    this.#assertInPlace();
    this.#assertAlone();
    return guardMap(this.path, () => {
      this.#unseal();
      try {
        return this.#insert(places);
      } catch (error) {
        this.#localBytes = null; // what was added to it is rolled back
        throw error;
      }
    });
  }

  updateManifest(changes: ManifestChanges): void {
    this.#assertAlone();
    guardMap(this.path, () => {
      this.#writeManifest({ ...this.#manifest, ...changes });
    });
  }

  /** Writes the checksums of the content; the next `append` takes them away again. */
  seal(): void {
    this.#assertInPlace();
    if (this.#manifest.checksums !== null) return;
    guardMap(this.path, () => {
      this.#writeManifest({ ...this.#manifest, checksums: computeMapChecksums(this.#db) });
    });
  }

  /** Seals, folds the log in and closes: the map is one file again. */
  close(): void {
    if (!this.#db.open) return;
    this.seal();
    guardMap(this.path, () => {
      this.#db.pragma('wal_checkpoint(TRUNCATE)');
      this.#leaveWal();
      this.#db.close();
    });
  }

  /** Closes without sealing, for work that failed. */
  abandon(): void {
    this.#db.close();
  }

  /** Needs the file for itself; while somebody reads, the (empty) log stays and the next writer removes it. */
  #leaveWal(): void {
    this.#db.pragma('busy_timeout = 200');
    try {
      this.#db.pragma('journal_mode = DELETE');
    } catch (error) {
      if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error;
    }
  }

  /** SQLite would go on writing into a file that nobody finds any more. */
  #assertInPlace(): void {
    const found = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    if (found?.ino !== this.#inode) throw movedAway(this.path);
  }

  #assertAlone(): void {
    if (this.#readOthersVersion() !== this.#othersVersion) throw writtenByAnother(this.path);
  }

  #readOthersVersion(): number {
    return guardMap(this.path, () => this.#db.pragma('data_version', { simple: true }) as number);
  }

  /** A map without checksums is one whose writer has not come to its end. */
  #unseal(): void {
    if (this.#manifest.checksums !== null) this.#writeManifest({ ...this.#manifest, checksums: null });
  }

  #writeManifest(manifest: MapManifest): void {
    const put = this.#db.prepare<[string, string]>('INSERT OR REPLACE INTO manifest(key, value) VALUES (?, ?)');
    this.#db.transaction(() => {
      for (const [key, value] of Object.entries(toManifestRows(manifest))) put.run(key, value);
    })();
    this.#manifest = manifest;
  }

  #prepareInsert(): (places: readonly NewPlace[]) => number[] {
    const place = this.#db.prepare(INSERT_PLACE);
    const descriptor = this.#db.prepare('INSERT INTO descriptor(place_id, vector) VALUES (?, ?)');
    const thumbnail = this.#db.prepare('INSERT INTO thumbnail(place_id, jpeg) VALUES (?, ?)');
    const local = this.#db.prepare(
      'INSERT INTO local_features(place_id, rows, columns, channels, vectors) VALUES (?, ?, ?, ?, ?)',
    );
    const bytes = (view: Float32Array | Int8Array | Uint8Array): Buffer =>
      Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    return this.#db.transaction((places: readonly NewPlace[]) => {
      const ids = places.map((item) => {
        const id = Number(place.run(...toPlaceValues(item.place)).lastInsertRowid);
        descriptor.run(id, bytes(item.descriptor));
        if (item.thumbnail !== null) thumbnail.run(id, bytes(item.thumbnail));
        if (item.local !== null && keepsLocalFeatures(id, this.#manifest.localBudget?.share ?? 1)) {
          const { rows, columns, channels, vectors } = item.local;
          local.run(id, rows, columns, channels, bytes(vectors));
          if (this.#localBytes !== null) this.#localBytes += vectors.byteLength;
        }
        return id;
      });
      this.#keepToBudget();
      return ids;
    });
  }

  /** Part of the transaction that adds places: the file never holds more committed features than its budget. */
  #keepToBudget(): void {
    const { localBudget } = this.#manifest;
    if (localBudget === null) return;
    this.#localBytes ??= readLocalBytes(this.#db);
    if (this.#localBytes <= localBudget.bytes) return;
    const thinned = thinLocalFeatures(this.#db, localBudget);
    this.#writeManifest({ ...this.#manifest, localBudget: thinned });
    this.#localBytes = null;
  }
}
