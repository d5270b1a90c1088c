/** @file A map as the rest of the house reads it: places, descriptors, thumbnails, and the model that made them. */
import { isDeepStrictEqual } from 'node:util';
import type { Database } from 'better-sqlite3';
import { NetvladError } from '../errors.ts';
import type { ModelManifest } from '../inference/ModelManifest.ts';
import { parseCalibration, type PlaceCalibration } from '../localization/PlaceCalibration.ts';
import { guardMap, openMapDatabase } from './mapFile.ts';
import { parseManifestRows, toMapModel, type MapManifest, type MapModel } from './MapManifest.ts';
import type { LocalGrid } from '../verification/LocalGrid.ts';
import type { Place } from './Place.ts';
import type { PlaceFeatures } from './PlaceFeatureCache.ts';
import { toPlace, type PlaceRow } from './placeRows.ts';

const short = (sha256: string): string => sha256.slice(0, 12);

/** Throws a NetvladError('map') when the two models' descriptors cannot be compared. */
export function assertSameModel(mapPath: string, inMap: MapModel, given: MapModel): void {
  const names = `${inMap.name} (sha256 ${short(inMap.sha256)}), not by ${given.name} (sha256 ${short(given.sha256)})`;
  if (inMap.sha256 !== given.sha256 || inMap.dimension !== given.dimension) {
    throw new NetvladError('map', `Map ${mapPath} was made by the model ${names}.`, {
      hint: 'Descriptors of different models cannot be compared: pass the model that made the map, or build the map again.',
      details: { mapModel: inMap.name, mapModelSha256: inMap.sha256, model: given.name, modelSha256: given.sha256 },
    });
  }
  if (!isDeepStrictEqual(inMap.input, given.input)) {
    throw new NetvladError('map', `Map ${mapPath} was made by ${inMap.name} with other input settings.`, {
      hint: `Map: ${JSON.stringify(inMap.input)}; model: ${JSON.stringify(given.input)}. Build the map again.`,
    });
  }
}

/** A map opened for reading. Row i of `descriptors` belongs to `places[i]`; both are in ascending place id. */
export class PlaceMap {
  readonly path: string;
  readonly manifest: MapManifest;
  readonly places: readonly Place[];
  readonly #db: Database;
  readonly #rowOf: ReadonlyMap<number, number>;
  #descriptors: Float32Array | null = null;

  private constructor(path: string, db: Database) {
    this.path = path;
    this.#db = db;
    this.manifest = readManifest(path, db);
    const rows = db.prepare<[], PlaceRow>('SELECT * FROM place ORDER BY id').safeIntegers();
    this.places = Array.from(rows.iterate(), toPlace);
    this.#rowOf = new Map(this.places.map(({ id }, row) => [id, row]));
  }

  /** Throws a NetvladError('map') that says what is wrong with the file and what to do. */
  static open(path: string): PlaceMap {
    const db = openMapDatabase(path);
    return guardMap(path, () => {
      try {
        return new PlaceMap(path, db);
      } catch (error) {
        db.close();
        throw error;
      }
    });
  }

  get size(): number {
    return this.places.length;
  }

  get dimension(): number {
    return this.manifest.model.dimension;
  }

  /** True when at least one place has a position. */
  get hasPositions(): boolean {
    return this.places.some(({ pose }) => pose !== null);
  }

  /** Null when the map was never calibrated, or by another version in a way that this one does not know. */
  get calibration(): PlaceCalibration | null {
    return parseCalibration(this.manifest.calibration);
  }

  /** [size, dimension] row-major, unit L2; loaded at the first use and kept. */
  get descriptors(): Float32Array {
    this.#descriptors ??= guardMap(this.path, () => this.#loadDescriptors());
    return this.#descriptors;
  }

  /** Throws on an id that the map does not hold. */
  place(id: number): Place {
    return this.places[this.rowOf(id)]!;
  }

  /** Row of a place in `places` and `descriptors`. Throws on an id that the map does not hold. */
  rowOf(id: number): number {
    const row = this.#rowOf.get(id);
    if (row === undefined) throw new NetvladError('internal', `Map ${this.path} has no place ${id}.`);
    return row;
  }

  /** JPEG bytes, null when the map was built without. */
  thumbnail(id: number): Uint8Array | null {
    const jpeg = guardMap(this.path, () =>
      this.#db.prepare<[number], Buffer>('SELECT jpeg FROM thumbnail WHERE place_id = ?').pluck().get(id),
    );
    return jpeg ?? null;
  }

  /** Null when the map was built without local features. Read from the file at every call: cache above. */
  localFeatures(id: number): LocalGrid | null {
    const row = guardMap(this.path, () =>
      this.#db
        .prepare<[number], { rows: number; columns: number; channels: number; vectors: Buffer }>(
          'SELECT rows, columns, channels, vectors FROM local_features WHERE place_id = ?',
        )
        .get(id),
    );
    if (row === undefined) return null;
    const { rows, columns, channels, vectors } = row;
    return { rows, columns, channels, vectors: new Int8Array(vectors.buffer, vectors.byteOffset, vectors.length) };
  }

  /** What verification compares; null for a place without local features. Read from the file at every call: cache above. */
  features(id: number): PlaceFeatures | null {
    const local = this.localFeatures(id);
    if (local === null) return null;
    const vector = guardMap(this.path, () =>
      this.#db.prepare<[number], Buffer>('SELECT vector FROM descriptor WHERE place_id = ?').pluck().get(id),
    );
    const descriptor = new Float32Array(this.dimension);
    if (vector?.length !== descriptor.byteLength) throw this.#misfit(id, vector?.length ?? 0);
    new Uint8Array(descriptor.buffer).set(vector);
    return { local, descriptor };
  }

  get hasLocalFeatures(): boolean {
    return guardMap(
      this.path,
      () => this.#db.prepare('SELECT 1 FROM local_features LIMIT 1').pluck().get() !== undefined,
    );
  }

  /** Throws a NetvladError('map') naming both models when `model` cannot be used with this map. */
  assertModel(model: ModelManifest): void {
    assertSameModel(this.path, this.manifest.model, toMapModel(model));
  }

  close(): void {
    this.#db.close();
  }

  #loadDescriptors(): Float32Array {
    const { dimension } = this;
    const descriptors = new Float32Array(this.size * dimension);
    const bytes = new Uint8Array(descriptors.buffer);
    const vectors = this.#db
      .prepare<[], { place_id: number; vector: Buffer }>('SELECT place_id, vector FROM descriptor ORDER BY place_id')
      .iterate();
    let row = 0;
    for (const { place_id: id, vector } of vectors) {
      if (this.places[row]?.id !== id || vector.length !== dimension * 4) {
        throw this.#misfit(id, vector.length);
      }
      bytes.set(vector, row * dimension * 4);
      row++;
    }
    if (row !== this.size) throw this.#damaged(`it holds ${this.size} places and ${row} descriptors`);
    return descriptors;
  }

  #misfit(id: number, bytes: number): NetvladError {
    return this.#damaged(`descriptor of place ${id} does not fit (${bytes} bytes, expected ${this.dimension * 4})`);
  }

  #damaged(what: string): NetvladError {
    return new NetvladError('map', `Map ${this.path} is damaged: ${what}.`, {
      hint: 'Build it again with `netvlad map build`, or restore it from a backup.',
    });
  }
}

/** Also used by the writer. Throws a NetvladError('map') that names the key that is wrong. */
export function readManifest(path: string, db: Database): MapManifest {
  const rows = db.prepare<[], [string, string]>('SELECT key, value FROM manifest').raw().all();
  try {
    return parseManifestRows(Object.fromEntries(rows));
  } catch (cause) {
    throw new NetvladError('map', `Map ${path} has a damaged manifest: ${(cause as Error).message}`, {
      hint: 'Build it again with `netvlad map build`, or restore it from a backup.',
      cause,
    });
  }
}
