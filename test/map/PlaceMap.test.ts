import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { NetvladError } from '../../src/errors.ts';
import { createMapManifest, toMapModel } from '../../src/map/MapManifest.ts';
import { MapWriter } from '../../src/map/MapWriter.ts';
import type { NewPlace } from '../../src/map/Place.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { writeMapAtomically } from '../../src/map/writeMapAtomically.ts';
import { axis, modelManifest, newPlace } from '../support/placeBuilders.ts';

const MODEL = modelManifest('test-model', 4);
const manifest = (): ReturnType<typeof createMapManifest> => createMapManifest(toMapModel(MODEL));

/** One place with every field, one with none. */
const FULL: NewPlace = {
  place: {
    image: 'straße/bild 1.jpg',
    stampNs: 1_700_000_000_123_456_789n, // needs 61 bits: a double would lose the last digits
    sequence: 'drive-1',
    frame: 7,
    label: 'corner',
    geo: { latDeg: 52.2050448, lonDeg: 0.1195771, altM: 12.5 },
    pose: { x: 57.08, y: 12.83, z: 1, qx: 0, qy: 0, qz: Math.SQRT1_2, qw: Math.SQRT1_2 },
    positionSigmaM: 2.5,
    condition: 'night',
  },
  descriptor: Float32Array.of(0.5, -0.5, 0.5, -0.5),
  thumbnail: Uint8Array.of(0xff, 0xd8, 0xff),
  local: { rows: 1, columns: 2, channels: 3, vectors: Int8Array.of(-127, 0, 127, 1, -1, 5) },
};
const BARE = newPlace('bare.jpg', axis(1, 4));

describe('PlaceMap', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad map '));
    path = join(folder, 'city.vprmap');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const build = async (...places: NewPlace[]): Promise<void> =>
    writeMapAtomically(path, manifest(), async (writer) => {
      writer.append(places);
      await Promise.resolve();
    });

  it('gives back what was written, to the last bit', async () => {
    await build(FULL, BARE);
    const map = PlaceMap.open(path);
    assert.deepEqual(map.places, [
      { id: 1, ...FULL.place },
      { id: 2, ...BARE.place },
    ]);
    assert.deepEqual([...map.descriptors], [0.5, -0.5, 0.5, -0.5, 0, 1, 0, 0]);
    assert.deepEqual([...map.thumbnail(1)!], [0xff, 0xd8, 0xff]);
    assert.deepEqual(map.localFeatures(1), FULL.local);
    assert.deepEqual(map.features(1), { local: FULL.local, descriptor: Float32Array.of(0.5, -0.5, 0.5, -0.5) });
    assert.equal(map.thumbnail(2), null);
    assert.equal(map.localFeatures(2), null);
    assert.equal(map.features(2), null);
    assert.equal(map.rowOf(2), 1);
    map.close();
  });

  it('keeps a pose without heading as NaN quaternion and an unknown altitude as NaN', async () => {
    const pose = { x: 1, y: 2, z: 0, qx: NaN, qy: NaN, qz: NaN, qw: NaN };
    const geo = { latDeg: -89, lonDeg: 180, altM: NaN };
    await build(newPlace('a.jpg', axis(0, 4), { pose, geo }));
    const map = PlaceMap.open(path);
    assert.deepEqual(map.places[0]!.pose, pose);
    assert.deepEqual(map.places[0]!.geo, geo);
    map.close();
  });

  it('is one file when finished, and never reuses an id', async () => {
    await build(FULL, BARE);
    const writer = MapWriter.open(path);
    assert.deepEqual(writer.append([BARE]), [3]);
    writer.close();
    assert.deepEqual(readdirSync(folder), ['city.vprmap']);
    assert.equal(PlaceMap.open(path).size, 3);
  });

  it('shows a reader what has been appended before the writer closes, and closes beside it', async () => {
    await build(FULL);
    const writer = MapWriter.open(path);
    writer.append([BARE]);
    const reader = PlaceMap.open(path);
    assert.equal(reader.size, 2);
    writer.close();
    assert.equal(reader.descriptors.length, 8);
    reader.close();
    MapWriter.open(path).close();
    assert.deepEqual(readdirSync(folder), ['city.vprmap']);
  });

  it('appends all places of a call or none', async () => {
    await build(FULL);
    const writer = MapWriter.open(path);
    const broken = { ...BARE, place: { ...BARE.place, image: null as unknown as string } };
    assert.throws(() => writer.append([BARE, broken]), /NOT NULL/);
    assert.equal(writer.size, 1);
    writer.close();
  });

  it('refuses another model by name of both, and the same weights with other preprocessing', async () => {
    await build(FULL);
    const map = PlaceMap.open(path);
    map.assertModel(MODEL);
    assert.throws(
      () => {
        map.assertModel(modelManifest('other-model', 4));
      },
      (error: NetvladError) => error.code === 'map' && /test-model .*other-model/.test(error.message),
    );
    assert.throws(() => {
      map.assertModel({ ...MODEL, input: { ...MODEL.input, kernel: 'cubic' } });
    }, /other input settings/);
    map.close();
  });

  it('leaves the old map and nothing else when building fails', async () => {
    await build(FULL);
    const before = readFileSync(path);
    const failing = writeMapAtomically(path, manifest(), async (writer) => {
      writer.append([BARE]);
      await Promise.reject(new Error('interrupted'));
    });
    await assert.rejects(failing, /interrupted/);
    assert.deepEqual(readFileSync(path), before);
    assert.deepEqual(readdirSync(folder), ['city.vprmap']);
  });

  it('refuses to replace a file that is no map, and a map that somebody writes to', async () => {
    await build(FULL);
    const writer = MapWriter.open(path);
    writer.append([BARE]);
    await assert.rejects(build(FULL), /being written by another process/);
    writer.close();
    writeFileSync(path, 'a photo');
    await assert.rejects(build(FULL), /exists and is not a map/);
    assert.equal(readFileSync(path, 'utf8'), 'a photo');
  });

  describe('says what is wrong with a file', () => {
    const cases: readonly { name: string; damage: () => void; expected: RegExp }[] = [
      {
        name: 'missing',
        damage: () => {
          rmSync(path);
        },
        expected: /does not exist/,
      },
      {
        name: 'a pipe',
        damage: () => {
          rmSync(path);
          execFileSync('mkfifo', [path]);
        },
        expected: /is a pipe or a device, not a map file/,
      },
      {
        name: 'empty',
        damage: () => {
          truncateSync(path, 0);
        },
        expected: /not a netvlad map: it is empty/,
      },
      {
        name: 'something else',
        damage: () => {
          writeFileSync(path, 'x'.repeat(5000));
        },
        expected: /not a SQLite file/,
      },
      {
        name: 'the SQLite file of another application',
        damage: () => {
          rmSync(path);
          new Database(path).exec('CREATE TABLE t(x)').close();
        },
        expected: /another application/,
      },
      {
        name: 'truncated',
        damage: () => {
          truncateSync(path, readFileSync(path).length - 4096);
        },
        expected: /truncated: it holds \d+ of \d+ bytes/,
      },
      {
        name: 'a newer format',
        damage: () => {
          const db = new Database(path);
          db.pragma('user_version = 2');
          db.close();
        },
        expected: /has format 2; this version reads formats up to 1/,
      },
      {
        name: 'a manifest without its model',
        damage: () => {
          const db = new Database(path);
          db.exec(`DELETE FROM manifest WHERE key = 'model_sha256'`).close();
        },
        expected: /damaged manifest: [^]*model_sha256/,
      },
      {
        name: 'pages of noise',
        damage: () => {
          const bytes = readFileSync(path);
          writeFileSync(path, bytes.fill(0xa5, 4096));
        },
        expected: /is damaged/,
      },
    ];
    for (const { name, damage, expected } of cases) {
      it(name, async () => {
        await build(FULL, BARE);
        damage();
        const open = (): unknown => PlaceMap.open(path).descriptors;
        assert.throws(open, (error: NetvladError) => {
          assert.match(error.message, expected);
          assert.equal(error.code, 'map');
          assert.ok(error.hint, 'a cure is named');
          return true;
        });
      });
    }
  });

  it('says so when a descriptor is missing or of another length', async () => {
    await build(FULL, BARE);
    const db = new Database(path);
    db.exec(`UPDATE descriptor SET vector = x'00'`).close();
    const map = PlaceMap.open(path);
    for (const read of [() => map.descriptors, () => map.features(1)]) {
      assert.throws(read, /descriptor of place 1 does not fit \(1 bytes, expected 16\)/);
    }
    map.close();
    assert.ok(existsSync(path));
  });
});
