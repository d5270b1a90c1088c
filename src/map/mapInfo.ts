/** @file What a map holds, for `netvlad map info` and `netvlad doctor`. */
import { statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import type { PlaceCalibration } from '../localization/PlaceCalibration.ts';
import { guardMap, openMapDatabase } from './mapFile.ts';
import type { MapManifest } from './MapManifest.ts';
import type { ContentTable } from './mapSchema.ts';
import { PlaceMap } from './PlaceMap.ts';

/** Bounding box of the positions in the map frame, metres. */
export interface MapArea {
  readonly minX: number;
  readonly minY: number;
  readonly maxX: number;
  readonly maxY: number;
  readonly widthM: number;
  readonly heightM: number;
}

export interface NamedCount {
  /** Null = the places that name none. */
  readonly name: string | null;
  readonly places: number;
}

export interface MapInfo {
  readonly path: string;
  readonly manifest: MapManifest;
  readonly places: number;
  readonly withPosition: number;
  readonly withHeading: number;
  readonly area: MapArea | null;
  readonly sequences: readonly NamedCount[];
  readonly conditions: readonly NamedCount[];
  readonly fileBytes: number;
  readonly tableBytes: Readonly<Record<ContentTable, number>>;
  readonly withThumbnail: number;
  readonly withLocalFeatures: number;
  readonly calibration: PlaceCalibration | null;
}

function countByName(names: Iterable<string | null>): readonly NamedCount[] {
  const counts = new Map<string | null, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Array.from(counts, ([name, places]) => ({ name, places }));
}

function computeArea(map: PlaceMap): MapArea | null {
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { pose } of map.places) {
    if (pose === null) continue;
    [minX, maxX] = [Math.min(minX, pose.x), Math.max(maxX, pose.x)];
    [minY, maxY] = [Math.min(minY, pose.y), Math.max(maxY, pose.y)];
  }
  return minX > maxX ? null : { minX, minY, maxX, maxY, widthM: maxX - minX, heightM: maxY - minY };
}

function readTableBytes(db: Database): Record<ContentTable, number> {
  const size = db.prepare<[string], number>('SELECT sum(pgsize) FROM dbstat WHERE name = ?').pluck();
  const bytesOf = (table: ContentTable): number => size.get(table) ?? 0;
  return {
    place: bytesOf('place'),
    descriptor: bytesOf('descriptor'),
    local_features: bytesOf('local_features'),
    thumbnail: bytesOf('thumbnail'),
  };
}

/** Throws a NetvladError('map') when the file is no map. */
export function readMapInfo(path: string): MapInfo {
  const map = PlaceMap.open(path);
  const db = openMapDatabase(path);
  const countRows = (table: ContentTable): number =>
    db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
  try {
    return guardMap(path, () => ({
      path,
      manifest: map.manifest,
      places: map.size,
      withPosition: map.places.filter(({ pose }) => pose !== null).length,
      withHeading: map.places.filter(({ pose }) => pose !== null && !Number.isNaN(pose.qw)).length,
      area: computeArea(map),
      sequences: countByName(map.places.map(({ sequence }) => sequence)),
      conditions: countByName(map.places.map(({ condition }) => condition)),
      fileBytes: statSync(path).size,
      tableBytes: readTableBytes(db),
      withThumbnail: countRows('thumbnail'),
      withLocalFeatures: countRows('local_features'),
      calibration: map.calibration,
    }));
  } finally {
    db.close();
    map.close();
  }
}
