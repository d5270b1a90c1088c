/** @file Every check that a map file can be put to, for `netvlad map verify`. */
import type { Database } from 'better-sqlite3';
import { createDatum, toEnu } from '../geo/LocalDatum.ts';
import { computeTableChecksum } from './mapChecksums.ts';
import { guardMap, openMapDatabase } from './mapFile.ts';
import type { MapManifest } from './MapManifest.ts';
import { CONTENT_TABLES, type ContentTable } from './mapSchema.ts';
import type { Place } from './Place.ts';
import { PlaceMap } from './PlaceMap.ts';

export interface MapCheck {
  readonly name: string;
  /** What is wrong; empty = nothing. */
  readonly problems: readonly string[];
}

/** |norm - 1| that float32 rounding of a few thousand components may leave. */
const NORM_TOLERANCE = 1e-3;
/** Positions are stored twice, geodetic and local; ENU rounding stays far below. */
const POSITION_TOLERANCE_M = 0.05;
/** A damaged map need not name each of a million rows. */
const NAMED_PROBLEMS = 5;

function summarise(problems: readonly string[]): readonly string[] {
  const more = problems.length - NAMED_PROBLEMS;
  return more <= 0 ? problems : [...problems.slice(0, NAMED_PROBLEMS), `and ${more} more`];
}

function checkIntegrity(db: Database): readonly string[] {
  const answers = db.prepare<[], string>('PRAGMA integrity_check').pluck().all();
  return answers.filter((answer) => answer !== 'ok');
}

/** A table whose place is missing, and a place without descriptor. */
function checkReferences(db: Database): readonly string[] {
  const orphans = db.prepare<[], { table: string; rowid: number }>('PRAGMA foreign_key_check').all();
  const bare = db.prepare<[], number>('SELECT id FROM place WHERE id NOT IN (SELECT place_id FROM descriptor)').pluck();
  return [
    ...orphans.map(({ table, rowid }) => `${table}: row ${rowid} belongs to no place`),
    ...bare.all().map((id) => `place ${id} has no descriptor`),
  ];
}

function checkChecksum(db: Database, table: ContentTable, { checksums }: MapManifest): readonly string[] {
  if (checksums === null) return ['there is none: its writer has not closed it (killed, or still at work)'];
  const found = computeTableChecksum(db, table);
  return found === checksums[table] ? [] : [`sha256 is ${found}, the manifest says ${checksums[table]}`];
}

function checkDescriptors(map: PlaceMap): readonly string[] {
  const { descriptors, dimension } = map;
  return map.places.flatMap(({ id, image }, row) => {
    let square = 0;
    for (let i = row * dimension; i < (row + 1) * dimension; i++) square += descriptors[i]! ** 2;
    const norm = Math.sqrt(square);
    // Written so that NaN fails too.
    return Math.abs(norm - 1) <= NORM_TOLERANCE ? [] : [`place ${id} (${image}): the norm is ${norm}, not 1`];
  });
}

function checkPositions(map: PlaceMap): readonly string[] {
  const { datum } = map.manifest;
  const origin = datum === null ? null : createDatum(datum);
  return map.places.flatMap(({ id, image, geo, pose }: Place) => {
    const wrong = (what: string): string[] => [`place ${id} (${image}): ${what}`];
    if (geo !== null && (Math.abs(geo.latDeg) > 90 || geo.lonDeg < -180 || geo.lonDeg > 360)) {
      return wrong(`${geo.latDeg}, ${geo.lonDeg} is no WGS-84 position`);
    }
    if (pose === null) return [];
    const norm = Math.hypot(pose.qx, pose.qy, pose.qz, pose.qw);
    if (!Number.isNaN(norm) && Math.abs(norm - 1) > 1e-6) return wrong(`its quaternion has norm ${norm}, not 1`);
    if (origin === null || geo === null) return [];
    const expected = toEnu(origin, geo);
    const apart = Math.hypot(expected.x - pose.x, expected.y - pose.y);
    return apart <= POSITION_TOLERANCE_M ? [] : wrong(`lat, lon and x, y are ${apart.toFixed(2)} m apart`);
  });
}

/** Throws a NetvladError('map') when the file cannot be opened at all; otherwise says what each check found. */
export function verifyMap(path: string): readonly MapCheck[] {
  const db = openMapDatabase(path);
  const checks: MapCheck[] = [];
  const check = (name: string, work: () => readonly string[]): void => {
    checks.push({ name, problems: summarise(guardMap(path, work)) });
  };
  try {
    check('SQLite integrity', () => checkIntegrity(db));
    check('references between tables', () => checkReferences(db));
    if (checks.some(({ problems }) => problems.length > 0)) return checks; // reading on would only repeat it
    const map = PlaceMap.open(path);
    try {
      for (const table of Object.keys(CONTENT_TABLES) as ContentTable[]) {
        check(`checksum of ${table}`, () => checkChecksum(db, table, map.manifest));
      }
      check('descriptors are unit vectors', () => checkDescriptors(map));
      check('positions agree with the datum', () => checkPositions(map));
    } finally {
      map.close();
    }
    return checks;
  } finally {
    db.close();
  }
}
