/** @file Calibrating a map file: by its own images and by queries, stored, shown, and refused where it makes no sense. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planarPose } from '../../src/geo/poseAlgebra.ts';
import { parseCalibration } from '../../src/localization/PlaceCalibration.ts';
import { calibrateMap } from '../../src/map/calibrateMap.ts';
import { createMapManifest } from '../../src/map/MapManifest.ts';
import { MapWriter } from '../../src/map/MapWriter.ts';
import type { NewPlace } from '../../src/map/Place.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { verifyMap } from '../../src/map/verifyMap.ts';
import { createScene, lookAt } from '../verification/syntheticGrids.ts';

const DIMENSION = 64;
const PLACES = 120;

/** A street whose descriptors turn slowly: neighbours resemble each other, distant places do not. */
function streetPlace(index: number): NewPlace {
  const descriptor = new Float32Array(DIMENSION);
  for (let d = 0; d < DIMENSION; d++) descriptor[d] = Math.exp(-0.5 * ((d - index / 2) / 1.5) ** 2);
  const norm = Math.hypot(...descriptor);
  return {
    descriptor: descriptor.map((value) => value / norm),
    thumbnail: null,
    local: null,
    place: {
      ...{ image: `image${index}.jpg`, stampNs: null, sequence: 'drive', frame: index, label: null, geo: null },
      ...{ pose: planarPose(4 * index, 0, 0), positionSigmaM: null, condition: null },
    },
  };
}

describe('calibrateMap', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'calibrate-'));
    path = join(folder, 'street.vprmap');
    const model = { name: 'street', sha256: 'a'.repeat(64), input: {}, dimension: DIMENSION };
    const writer = MapWriter.create(path, createMapManifest(model));
    writer.append(Array.from({ length: PLACES }, (_, index) => streetPlace(index)));
    writer.close();
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('retrieves the map against itself, and stores what it learned', async () => {
    const calibration = await calibrateMap(path);
    assert.equal(calibration.method, 'leave-one-out');
    assert.equal(calibration.samples.retrievals, PLACES);
    assert.equal(calibration.expectedRecall['1'], 1);
    assert.ok(calibration.samePlaceDistance!.p95 < calibration.otherPlaceDistance!.p05);
    const map = PlaceMap.open(path);
    assert.deepEqual(parseCalibration(map.manifest.calibration), calibration);
    map.close();
    assert.ok(verifyMap(path).every(({ problems }) => problems.length === 0));
  });

  it('verifies candidates with the local features of the map, unless told not to', async () => {
    const seen = join(folder, 'seen.vprmap');
    const model = { name: 'street', sha256: 'a'.repeat(64), input: {}, dimension: DIMENSION };
    const writer = MapWriter.create(seen, createMapManifest(model));
    // The camera moves along a wall by half a cell from place to place.
    const wall = createScene(3);
    const views = Array.from({ length: PLACES }, (_, index) => lookAt(wall, { dx: index / 2 }));
    writer.append(views.map((local, index) => ({ ...streetPlace(index), local })));
    writer.close();
    const options = { samples: 40, topK: 5 };
    const verified = await calibrateMap(seen, options);
    assert.equal(verified.warning, null);
    assert.notDeepEqual(verified.verified.scaling, { offset: 0, slope: 1 });
    const unverified = await calibrateMap(seen, { ...options, verifyTopK: 0 });
    assert.deepEqual(unverified.verified.scaling, { offset: 0, slope: 1 });
  });

  it('keeps what it has learned when too few images tell anything', async () => {
    const learned = await calibrateMap(path);
    await assert.rejects(calibrateMap(path, { samples: 19 }), {
      code: 'bad-input',
      message: `Too few images to learn from for ${path}: 19 of the images see a place that the map shows.`,
    });
    const map = PlaceMap.open(path);
    assert.deepEqual(map.calibration, learned);
    map.close();
  });

  it('says what is missing when a map is too small', async () => {
    const tiny = join(folder, 'tiny.vprmap');
    const model = { name: 'street', sha256: 'a'.repeat(64), input: {}, dimension: DIMENSION };
    const writer = MapWriter.create(tiny, createMapManifest(model));
    writer.append([streetPlace(0)]);
    writer.close();
    const calibration = await calibrateMap(tiny);
    assert.equal(calibration.method, 'default');
    assert.match(calibration.warning!, /^0 images/);
  });
});
