/** @file Reference sets described once by the default model and kept as maps; one set searched in another, verified. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openImageSource } from '../../src/datasets/openImageSource.ts';
import { findDefaultModel, loadModel } from '../../src/inference/loadModel.ts';
import type { CandidateMatch } from '../../src/localization/Localizer.ts';
import { buildMap } from '../../src/map/buildMap.ts';
import { MapVerifier } from '../../src/map/MapVerifier.ts';
import type { Place } from '../../src/map/Place.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { ExactIndex } from '../../src/retrieval/ExactIndex.ts';

/** A part of a set, chosen as the commands choose it. */
export interface SetPart {
  /** Folder of the set. */
  readonly path: string;
  readonly role?: string;
  readonly condition?: string;
}

/** An image and what searching a map for it gave. */
export interface Retrieval {
  readonly query: Place;
  readonly matches: readonly CandidateMatch[];
}

export const TOP_K = 20;

export class DescribedSets {
  readonly #folder = mkdtempSync(join(tmpdir(), 'netvlad-sets-'));
  readonly #maps = new Map<string, Promise<PlaceMap>>();

  /** The part as a map: its places, descriptors and local features, calibrated by itself unless it only asks. */
  open(part: SetPart, { calibrated = true } = {}): Promise<PlaceMap> {
    const key = JSON.stringify([part, calibrated]);
    const known = this.#maps.get(key) ?? this.#build(part, calibrated);
    this.#maps.set(key, known);
    return known;
  }

  async dispose(): Promise<void> {
    for (const map of this.#maps.values()) (await map).close();
    rmSync(this.#folder, { recursive: true });
  }

  async #build({ path, ...selection }: SetPart, calibrated: boolean): Promise<PlaceMap> {
    const out = join(this.#folder, `${this.#maps.size}.vprmap`);
    const source = await openImageSource(path, selection);
    const model = await loadModel(findDefaultModel());
    try {
      await buildMap(source, model, {
        out,
        local: true,
        thumbnails: false,
        ...(calibrated ? {} : { calibration: false }),
      });
    } finally {
      await model.dispose();
    }
    return PlaceMap.open(out);
  }
}

/** Searches `map` for every `stride`-th image of `queries`, as recognition does. */
export async function searchMap(
  map: PlaceMap,
  queries: PlaceMap,
  { stride = 1, filter }: { stride?: number; filter?: (place: number, query: Place) => boolean } = {},
): Promise<Retrieval[]> {
  const index = new ExactIndex(map.dimension);
  await index.add(
    map.places.map(({ id }) => id),
    map.descriptors,
  );
  const verifier = (await MapVerifier.open(map, TOP_K))!;
  const retrievals: Retrieval[] = [];
  for (let row = 0; row < queries.size; row += stride) {
    const query = queries.places[row]!;
    const descriptor = queries.descriptors.slice(row * map.dimension, (row + 1) * map.dimension);
    const found = await index.search(descriptor, TOP_K, filter && ((place) => filter(place, query)));
    retrievals.push({ query, matches: await verifier.verifyGrid(queries.localFeatures(query.id)!, found) });
  }
  await verifier.dispose();
  return retrievals;
}
