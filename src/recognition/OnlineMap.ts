/** @file A map file that is searched and grown at the same time. */
import { existsSync } from 'node:fs';
import { NetvladError } from '../errors.ts';
import type { GeoPoint } from '../geo/Pose.ts';
import { encodeThumbnail } from '../image/encode.ts';
import type { ModelManifest } from '../inference/ModelManifest.ts';
import { THUMBNAIL_SIDE } from '../map/buildMap.ts';
import { assertWritable } from '../map/mapFile.ts';
import { createMapManifest, toMapModel } from '../map/MapManifest.ts';
import { MapWriter } from '../map/MapWriter.ts';
import type { Place } from '../map/Place.ts';
import { PlaceMap } from '../map/PlaceMap.ts';
import { PlaceSurveyor } from '../map/PlaceSurveyor.ts';
import { writeMapAtomically } from '../map/writeMapAtomically.ts';
import { quantizeGrid } from '../verification/LocalGrid.ts';
import type { LastFrame } from './LocalRecognizer.ts';
import type { FrameGeotag } from './RecognitionEngine.ts';

/** Whole or not there, as when the robot loses its power now. */
async function createEmptyMap(path: string, model: ModelManifest): Promise<void> {
  await writeMapAtomically(path, createMapManifest(toMapModel(model)), () => Promise.resolve());
}

/** Opened for reading; the first `add` opens it for writing too. */
export class OnlineMap {
  readonly path: string;
  #map: PlaceMap;
  #writer: MapWriter | null = null;
  readonly #surveyor: PlaceSurveyor;
  #added = 0;

  private constructor(path: string, map: PlaceMap) {
    this.path = path;
    this.#map = map;
    this.#surveyor = PlaceSurveyor.continuing(map);
  }

  /** Throws a NetvladError('map') when the file cannot be used, or was made by another model. */
  static async open(path: string, model: ModelManifest, options: { readonly create: boolean }): Promise<OnlineMap> {
    if (path === '') {
      throw new NetvladError('map', 'No map is named: the parameter map is empty.', {
        hint: 'Build one with `netvlad map build SOURCE --out city.vprmap`, or map with this node (mapping.enabled).',
      });
    }
    if (options.create) {
      assertWritable(path);
      if (!existsSync(path)) await createEmptyMap(path, model);
    }
    const map = PlaceMap.open(path);
    try {
      map.assertModel(model);
    } catch (error) {
      map.close();
      throw error;
    }
    return new OnlineMap(path, map);
  }

  /** As it was when it was opened or saved last; thumbnails and local features of later places are read from it too. */
  get map(): PlaceMap {
    return this.#map;
  }

  get datum(): GeoPoint | null {
    return this.#surveyor.datum;
  }

  /** Places now, those added since opening included. */
  get size(): number {
    return this.#map.size + this.#added;
  }

  /** Resolves when the place is safe on the disk. Throws NetvladError('bad-input') on a position that does not fit the map. */
  async add({ image, descriptors }: LastFrame, geotag: FrameGeotag): Promise<Place> {
    const place = this.#surveyor.survey({ ...geotag, content: { kind: 'file', path: geotag.name } });
    if ('problem' in place) throw new NetvladError('bad-input', `${place.where}: ${place.problem}`);
    const thumbnail = await encodeThumbnail(image, THUMBNAIL_SIDE);
    const { dimension, global, local } = descriptors;
    this.#writer ??= MapWriter.open(this.path);
    const writer = this.#writer;
    if (writer.manifest.datum === null && this.datum !== null) writer.updateManifest({ datum: this.datum });
    const [id] = writer.append([
      {
        place,
        descriptor: global.slice(0, dimension),
        thumbnail,
        local: local === null ? null : quantizeGrid(local),
      },
    ]);
    this.#added += 1;
    return { id: id!, ...place };
  }

  /** Folds the log in and writes the checksums; the map is one file again, and can be added to further. */
  save(): number {
    if (this.#writer === null) return this.size;
    this.#writer.seal(); // fails, if at all, while all is still open: a full disk must not end recognition
    try {
      this.close();
    } finally {
      this.#map = PlaceMap.open(this.path);
      this.#added = 0;
    }
    return this.size;
  }

  /** The reader goes first: the last connection folds the log in. */
  close(): void {
    this.#map.close();
    this.#writer?.close();
    this.#writer = null;
  }
}
