import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { openCsvSource } from '../../src/datasets/CsvSource.ts';
import { isDatasetProblem } from '../../src/datasets/GeotaggedImage.ts';
import { createDatum, toEnu } from '../../src/geo/LocalDatum.ts';
import type { GeoPoint } from '../../src/geo/Pose.ts';
import { createPose, planarPose, yawOf } from '../../src/geo/poseAlgebra.ts';
import { quaternionFromYaw } from '../../src/geo/quaternion.ts';
import { exportDescriptors, exportPlaces } from '../../src/map/exportMap.ts';
import { readMapInfo } from '../../src/map/mapInfo.ts';
import { createMapManifest, toMapModel } from '../../src/map/MapManifest.ts';
import { mergeMaps } from '../../src/map/mergeMaps.ts';
import type { NewPlace } from '../../src/map/Place.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { PlaceSurveyor } from '../../src/map/PlaceSurveyor.ts';
import { verifyMap } from '../../src/map/verifyMap.ts';
import { writeMapAtomically } from '../../src/map/writeMapAtomically.ts';
import { parseNpy } from '../../src/math/npy.ts';
import { axis, modelManifest, newPlace } from '../support/placeBuilders.ts';

const MODEL = modelManifest('test-model', 4);
const DATUM: GeoPoint = { latDeg: 52.2, lonDeg: 0.12, altM: 0 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netvlad-tools-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function write(
  name: string,
  places: readonly NewPlace[],
  options: { datum?: GeoPoint; model?: typeof MODEL } = {},
): Promise<string> {
  const path = join(folder, name);
  const manifest = createMapManifest(toMapModel(options.model ?? MODEL), { datum: options.datum ?? null });
  await writeMapAtomically(path, manifest, async (writer) => {
    writer.append(places);
    await Promise.resolve();
  });
  return path;
}

/** A place at a geodetic position, facing east, in a map with this datum. */
function geotagged(image: string, geo: GeoPoint, datum: GeoPoint): NewPlace {
  const pose = createPose(toEnu(createDatum(datum), geo), quaternionFromYaw(0));
  return newPlace(image, axis(0, 4), { geo, pose });
}

describe('map info', () => {
  it('counts, measures and names', async () => {
    const path = await write('a.vprmap', [
      newPlace('0.jpg', axis(0, 4), { sequence: 'a', condition: 'day', pose: planarPose(-10, 5, 0) }),
      newPlace('1.jpg', axis(1, 4), { sequence: 'a', pose: createPose({ x: 20, y: 45, z: 0 }, [NaN, NaN, NaN, NaN]) }),
      newPlace('2.jpg', axis(2, 4), { sequence: 'b' }),
    ]);
    const info = readMapInfo(path);
    assert.deepEqual([info.places, info.withPosition, info.withHeading], [3, 2, 1]);
    assert.deepEqual([info.area!.widthM, info.area!.heightM], [30, 40]);
    assert.deepEqual(info.sequences, [
      { name: 'a', places: 2 },
      { name: 'b', places: 1 },
    ]);
    assert.deepEqual(info.conditions, [
      { name: 'day', places: 1 },
      { name: null, places: 2 },
    ]);
    assert.equal(info.fileBytes, readFileSync(path).length);
    assert.ok(info.tableBytes.descriptor >= 3 * 16 && info.tableBytes.descriptor < info.fileBytes);
  });
});

describe('map verify', () => {
  const GEO: GeoPoint = { latDeg: 52.201, lonDeg: 0.12, altM: 0 };
  const build = async (): Promise<string> =>
    write('v.vprmap', [geotagged('0.jpg', DATUM, DATUM), geotagged('1.jpg', GEO, DATUM)], { datum: DATUM });

  it('finds nothing wrong with a map as it was written', async () => {
    const checks = verifyMap(await build());
    assert.equal(checks.length, 8);
    for (const { name, problems } of checks) assert.deepEqual(problems, [], name);
  });

  const half = Buffer.from(Float32Array.of(0.5, 0, 0, 0).buffer).toString('hex');
  const nan = Buffer.from(Float32Array.of(NaN, 0, 0, 0).buffer).toString('hex');
  const cases = [
    { sql: `UPDATE place SET image = 'x.jpg' WHERE id = 1`, check: 'checksum of place', problem: /sha256 is/ },
    { sql: `UPDATE descriptor SET vector = x'${half}'`, check: 'checksum of descriptor', problem: /sha256 is/ },
    { sql: `UPDATE descriptor SET vector = x'${half}'`, check: 'descriptors are unit vectors', problem: /norm is 0.5/ },
    { sql: `UPDATE descriptor SET vector = x'${nan}'`, check: 'descriptors are unit vectors', problem: /norm is NaN/ },
    {
      sql: `UPDATE place SET x = x + 1 WHERE id = 2`,
      check: 'positions agree with the datum',
      problem: /1\.00 m apart/,
    },
    { sql: `UPDATE place SET lat = 91 WHERE id = 2`, check: 'positions agree with the datum', problem: /no WGS-84/ },
    {
      sql: `UPDATE place SET qw = 2 WHERE id = 1`,
      check: 'positions agree with the datum',
      problem: /quaternion has norm/,
    },
    {
      sql: `DELETE FROM descriptor WHERE place_id = 2`,
      check: 'references between tables',
      problem: /place 2 has no desc/,
    },
    {
      sql: `PRAGMA foreign_keys = OFF; DELETE FROM place WHERE id = 2`,
      ...{ check: 'references between tables', problem: /descriptor: row 2 belongs to no place/ },
    },
    {
      sql: `UPDATE manifest SET value = 'null' WHERE key = 'checksums'`,
      check: 'checksum of place',
      problem: /not closed/,
    },
  ];
  for (const { sql, check, problem } of cases) {
    it(`${check}: ${sql.slice(0, 60)}`, async () => {
      const path = await build();
      new Database(path).exec(sql).close();
      const problems = verifyMap(path).find(({ name }) => name === check)!.problems;
      assert.match(problems.join('\n'), problem);
    });
  }
});

describe('map merge', () => {
  it('brings two datums into one frame', async () => {
    const far: GeoPoint = { latDeg: 52.3, lonDeg: 0.3, altM: 0 }; // 16 km away
    const geo: GeoPoint = { latDeg: 52.205, lonDeg: 0.121, altM: 0 };
    const a = await write('a.vprmap', [geotagged('a.jpg', geo, DATUM)], { datum: DATUM });
    const b = await write('b.vprmap', [geotagged('b.jpg', geo, far)], { datum: far });
    const out = join(folder, 'c.vprmap');
    assert.deepEqual(await mergeMaps([a, b], out), { path: out, places: 2 });
    const merged = PlaceMap.open(out);
    const [first, second] = merged.places;
    assert.deepEqual(merged.manifest.datum, DATUM);
    assert.ok(Math.hypot(first!.pose!.x - second!.pose!.x, first!.pose!.y - second!.pose!.y) < 1e-3, 'same spot');
    // Meridians converge: east at `far` is not east here. Angle = difference of longitude x sin(latitude).
    const convergence = ((0.3 - 0.12) * Math.PI * Math.sin((52.25 * Math.PI) / 180)) / 180;
    assert.ok(Math.abs(Math.abs(yawOf(second!.pose!)) - convergence) < 1e-5);
    merged.close();
    for (const { name, problems } of verifyMap(out)) assert.deepEqual(problems, [], name);
  });

  it('keeps everything else, names sequences by map, and ids stay unique', async () => {
    const full = { ...newPlace('same.jpg', axis(2, 4), { frame: 3, stampNs: 5n }), thumbnail: Uint8Array.of(1) };
    const a = await write('day.vprmap', [full]);
    const b = await write('night.vprmap', [full]);
    const out = join(folder, 'c.vprmap');
    await mergeMaps([a, b], out);
    const merged = PlaceMap.open(out);
    assert.deepEqual(
      merged.places.map(({ id, image, sequence, frame, stampNs }) => [id, image, sequence, frame, stampNs]),
      [
        [1, 'same.jpg', 'day', 3, 5n],
        [2, 'same.jpg', 'night', 3, 5n],
      ],
    );
    assert.deepEqual([...merged.descriptors], [0, 0, 1, 0, 0, 0, 1, 0]);
    assert.deepEqual([...merged.thumbnail(2)!], [1]);
    merged.close();
  });

  it('refuses other models and frames that cannot be related, and writes nothing', async () => {
    const local = newPlace('l.jpg', axis(0, 4), { pose: planarPose(0, 0, 0) });
    const a = await write('a.vprmap', [local]);
    const b = await write('b.vprmap', [local]);
    const c = await write('c.vprmap', [local], { model: modelManifest('other', 4) });
    const out = join(folder, 'out.vprmap');
    await assert.rejects(mergeMaps([a, b], out), /local metres without a datum/);
    await assert.rejects(mergeMaps([a, a], out), /are the same map/);
    await assert.rejects(mergeMaps([a, c], out), /made by the model other .*not by test-model/);
    assert.ok(!readdirSync(folder).some((name) => name.startsWith('out')));
  });
});

describe('map export', () => {
  it('writes places that the CSV source reads back: the same map again', async () => {
    const geo: GeoPoint = { latDeg: 52.2012345678, lonDeg: 0.1212345678, altM: 17.25 };
    const pose = createPose(toEnu(createDatum(DATUM), geo), quaternionFromYaw(2));
    const facts = {
      geo,
      pose,
      stampNs: 1_700_000_000_000_000_007n,
      sequence: 's',
      frame: 2,
      label: 'l',
      condition: 'day',
    };
    const path = await write('r.vprmap', [newPlace('a.jpg', axis(1, 4), { ...facts, positionSigmaM: 2.5 })], {
      datum: DATUM,
    });
    const map = PlaceMap.open(path);
    const csv = join(folder, 'index.csv');
    await exportPlaces(map, csv);
    writeFileSync(join(folder, 'a.jpg'), '');
    const surveyor = PlaceSurveyor.continuing(map);
    for await (const item of await openCsvSource(csv)) {
      assert.ok(!isDatasetProblem(item), 'problem' in item ? item.problem : '');
      const place = surveyor.survey(item);
      assert.ok(!('problem' in place));
      const { id, pose: exported, ...rest } = map.places[0]!;
      const { pose: read, ...readRest } = place;
      assert.deepEqual(readRest, rest);
      assert.ok(id === 1 && Math.abs(yawOf(read!) - yawOf(exported!)) < 1e-9);
      assert.ok(Math.hypot(read!.x - exported!.x, read!.y - exported!.y, read!.z - exported!.z) < 1e-6);
    }
    map.close();
  });

  it('writes descriptors as .npy and places as CSV', async () => {
    const path = await write('e.vprmap', [
      newPlace('a "b", c.jpg', axis(1, 4), {
        ...{ stampNs: 1_700_000_000_000_000_007n, sequence: 's', frame: 2, label: 'l', condition: 'day' },
        ...{ geo: { latDeg: 52.2, lonDeg: 0.12, altM: NaN }, pose: planarPose(1, 2, Math.PI / 2) },
      }),
      newPlace('d.jpg', axis(3, 4), { pose: planarPose(1.5, 0.1 + 0.2, Math.PI / 2), positionSigmaM: 2.5 }),
    ]);
    const map = PlaceMap.open(path);
    await exportDescriptors(map, join(folder, 'd.npy'));
    await exportPlaces(map, join(folder, 'p.csv'));
    map.close();
    const array = parseNpy(readFileSync(join(folder, 'd.npy')));
    assert.deepEqual(array.shape, [2, 4]);
    assert.deepEqual([...array.data], [0, 1, 0, 0, 0, 0, 0, 1]);
    const lines = readFileSync(join(folder, 'p.csv'), 'utf8').trimEnd().split('\n');
    assert.deepEqual(lines, [
      'id,file,role,place,lat,lon,alt_m,x_m,y_m,yaw_deg,frame,condition,timestamp,sequence,sigma_m',
      '1,"a ""b"", c.jpg",database,l,52.2,0.12,,1,2,0,2,day,1700000000.000000007,s,', // facing north: compass 0
      '2,d.jpg,database,,,,0,1.5,0.30000000000000004,90,,,,,2.5',
    ]);
  });
});
