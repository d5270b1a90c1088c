/** @file The SQLite schema of a `.vprmap` file (docs/formats.md). */

/** "VPR1" in the application_id of the SQLite header. */
export const MAP_APPLICATION_ID = 0x56505231;

/** Format version, kept in SQLite's user_version. Readers refuse higher ones. */
export const MAP_FORMAT = 1;

export const MAP_SCHEMA = `
CREATE TABLE manifest(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE place(
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused
  image TEXT NOT NULL,
  stamp_ns INTEGER,
  sequence TEXT,
  frame INTEGER,                         -- order within the sequence
  label TEXT,                            -- identity of the place as the source names it
  lat REAL, lon REAL, alt REAL,          -- WGS-84 degrees, metres above the ellipsoid
  x REAL, y REAL, z REAL,                -- camera in the map frame, ENU metres
  qx REAL, qy REAL, qz REAL, qw REAL,    -- NULL without a heading
  position_sigma_m REAL,
  condition TEXT
);
CREATE TABLE descriptor(
  place_id INTEGER PRIMARY KEY REFERENCES place(id),
  vector BLOB NOT NULL                   -- float32 little-endian, unit L2
);
CREATE TABLE local_features(
  place_id INTEGER PRIMARY KEY REFERENCES place(id),
  rows INTEGER NOT NULL,
  columns INTEGER NOT NULL,
  channels INTEGER NOT NULL,
  vectors BLOB NOT NULL                  -- int8 [rows * columns, channels]
);
CREATE TABLE thumbnail(
  place_id INTEGER PRIMARY KEY REFERENCES place(id),
  jpeg BLOB NOT NULL
);
`;

/** Tables that hold the content of a map, each with the column that orders it. The manifest keeps a checksum of each. */
export const CONTENT_TABLES = {
  place: 'id',
  descriptor: 'place_id',
  local_features: 'place_id',
  thumbnail: 'place_id',
} as const;

export type ContentTable = keyof typeof CONTENT_TABLES;
