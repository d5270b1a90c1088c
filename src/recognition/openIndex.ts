/** @file The search index of a map: exact where that is fast, HNSW from its checked cache above. */
import type { PlaceMap } from '../map/PlaceMap.ts';
import { ExactIndex } from '../retrieval/ExactIndex.ts';
import { openCachedHnswIndex } from '../retrieval/hnswCache.ts';
import type { VectorIndex } from '../retrieval/VectorIndex.ts';
import type { EngineConfig } from './RecognitionEngine.ts';

/** Up to here an exhaustive search of 960 numbers a place takes a few milliseconds, less than describing the image. */
const EXACT_UP_TO = 20_000;

/** Changes with every place and descriptor; a map that is being written has no checksum and gets no cache. */
function fingerprintOf(map: PlaceMap): string | null {
  const { checksums } = map.manifest;
  return checksums === null ? null : `${map.manifest.id} ${checksums.descriptor}`;
}

/** The graph of `city.vprmap` lies beside it as `city.vprmap.hnsw`. */
export async function openIndex(map: PlaceMap, kind: EngineConfig['index']): Promise<VectorIndex> {
  const fingerprint = fingerprintOf(map);
  const places = map.places.map(({ id }) => id);
  const { dimension } = map;
  const wantsGraph = kind === 'hnsw' || (kind === 'auto' && places.length > EXACT_UP_TO);
  if (wantsGraph && fingerprint !== null) {
    const readDescriptors = (): Float32Array => map.descriptors;
    const source = { fingerprint, dimension, places, readDescriptors };
    return (await openCachedHnswIndex(`${map.path}.hnsw`, source)).index;
  }
  const index = new ExactIndex(dimension);
  await index.add(places, map.descriptors);
  return index;
}
