/** @file Routes, drives and what the car's other sensors say of them. */
import assert from 'node:assert/strict';
import { createDatum, toEnu } from '../../src/geo/LocalDatum.ts';
import { relativePose, yawOf } from '../../src/geo/poseAlgebra.ts';
import { createRandom } from '../../src/math/random.ts';
import { planTraverses, type SimulationSettings } from '../../src/simulation/planTraverses.ts';
import { planRoute } from '../../src/simulation/route.ts';
import { baseOf, simulateFixes, simulateOdometry } from '../../src/simulation/sensors.ts';
import { planTown } from '../../src/simulation/TownPlan.ts';

const settings: SimulationSettings = {
  seed: 4,
  frames: 300,
  conditions: ['day', 'dusk'],
  width: 64,
  height: 48,
  spacingM: 3,
  districts: 1,
  testDistricts: 0,
  blocks: null,
  excursion: false,
  deviation: 1,
  datum: { latDeg: 47.5, lonDeg: 8.5, altM: 430 },
  jpegQuality: 80,
};

describe('routes', () => {
  it('come back to streets in the direction they were first driven', () => {
    for (let seed = 0; seed < 20; seed++) {
      const plan = planTown({ seed, columns: 4, rows: 3 });
      const route = planRoute(plan, 3000, createRandom(seed));
      const legs = route.slice(1).map((node, i) => `${route[i]!} ${node}`);
      const again = legs.filter((leg, i) => legs.indexOf(leg) < i).length;
      const against = legs.filter((leg, i) => legs.slice(0, i).includes(leg.split(' ').reverse().join(' '))).length;
      assert.ok(again >= 5, `seed ${seed}: ${again} of ${legs.length} legs driven again`);
      assert.ok(against <= 0.1 * legs.length, `seed ${seed}: ${against} of ${legs.length} legs against the first way`);
    }
  });
});

describe('drives', () => {
  it('move from frame to frame to their end, however many corners they cut on the way', () => {
    for (let seed = 1; seed <= 4; seed++) {
      for (const { frames, sequence } of planTraverses({ ...settings, seed, frames: 1500, excursion: true })) {
        for (let i = 1; i < frames.length; i++) {
          assert.ok(frames[i]!.stampNs > frames[i - 1]!.stampNs, `seed ${seed}, ${sequence}: frame ${i} stands still`);
        }
      }
    }
  });

  it('space the first traverse evenly and keep it in its lane', () => {
    const { frames } = planTraverses(settings)[0]!;
    assert.equal(frames.length, 300);
    for (let i = 1; i < frames.length; i++) {
      const [a, b] = [frames[i - 1]!.pose, frames[i]!.pose];
      const step = Math.hypot(b.x - a.x, b.y - a.y);
      assert.ok(step > 1.8 && step < 4.2, `frame ${i}: ${step} m`);
      const turn = Math.abs(Math.atan2(Math.sin(yawOf(b) - yawOf(a)), Math.cos(yawOf(b) - yawOf(a))));
      assert.ok(turn < 0.9, `frame ${i} turns by ${turn}`);
    }
  });

  it('let the second traverse pass within metres of the first, in another lane', () => {
    const [first, second] = planTraverses(settings);
    const nearest = second!.frames.map(({ pose }) =>
      Math.min(...first!.frames.map((frame) => Math.hypot(frame.pose.x - pose.x, frame.pose.y - pose.y))),
    );
    assert.ok(Math.max(...nearest) < 6);
    const mean = nearest.reduce((sum, value) => sum + value, 0) / nearest.length;
    assert.ok(mean > 1 && mean < 3.5, `mean ${mean}`);
  });

  it('leave the map on an excursion and come back', () => {
    const [first, second] = planTraverses({ ...settings, excursion: true });
    const far = second!.frames.map(
      ({ pose }) => Math.min(...first!.frames.map((f) => Math.hypot(f.pose.x - pose.x, f.pose.y - pose.y))) > 25,
    );
    assert.ok(far.filter(Boolean).length >= 20, `${far.filter(Boolean).length} frames off the map`);
    assert.equal(far[0], false);
    assert.equal(far.at(-1), false);
    far.forEach((isFar, i) => {
      if (isFar) assert.equal(second!.places[i], '', `frame ${i} has no place`);
    });
  });

  it('give the same place in all traverses the same name', () => {
    for (const excursion of [false, true]) {
      const [first, second] = planTraverses({ ...settings, excursion });
      const poses = new Map(first!.places.map((place, i) => [place, first!.frames[i]!.pose]));
      let compared = 0;
      second!.places.forEach((place, i) => {
        const pose = poses.get(place);
        if (pose === undefined) return;
        compared++;
        const there = second!.frames[i]!.pose;
        assert.ok(Math.hypot(pose.x - there.x, pose.y - there.y) < 8, `${place}, excursion ${excursion}`);
      });
      assert.ok(compared > 200);
    }
  });

  it('separate training, validation and test by district', () => {
    const traverses = planTraverses({ ...settings, districts: 3, testDistricts: 1, frames: 20 });
    assert.deepEqual(
      traverses.map(({ role }) => role),
      [
        ...['train_database', 'train_query', 'train_database', 'train_query'],
        ...['validation_database', 'validation_query'],
        ...['test_database', 'test_query'],
      ],
    );
    assert.equal(new Set(traverses.flatMap(({ places }) => places)).size > 50, true);
  });
});

describe('sensors', () => {
  const { frames } = planTraverses({ ...settings, frames: 1000 })[0]!;

  it('scatter GNSS fixes as their covariance says, once a second', () => {
    const datum = createDatum(settings.datum);
    const squares: number[] = [];
    for (let seed = 0; seed < 10; seed++) {
      for (const fix of simulateFixes(frames, datum, seed)) {
        const truth = frames.find(({ stampNs }) => stampNs === fix.stampNs)!.pose;
        const at = toEnu(datum, fix.geo);
        squares.push(((at.x - truth.x) ** 2 + (at.y - truth.y) ** 2) / (2 * fix.covariance[0]!));
      }
    }
    const mean = squares.reduce((sum, value) => sum + value, 0) / squares.length;
    assert.ok(mean > 0.7 && mean < 1.3, `normalised square error ${mean}, expected near 1`);
  });

  it('scatter the speeds of the odometry as their covariance says', () => {
    const squares = { speed: [] as number[], yawRate: [] as number[] };
    for (let seed = 0; seed < 20; seed++) {
      simulateOdometry(frames, seed).forEach(({ speedMPerS, yawRateRadPerS, twistCovariance }, i) => {
        if (i === 0) return;
        const step = relativePose(baseOf(frames[i - 1]!.pose), baseOf(frames[i]!.pose));
        const seconds = Number(frames[i]!.stampNs - frames[i - 1]!.stampNs) / 1e9;
        squares.speed.push((speedMPerS - Math.hypot(step.x, step.y) / seconds) ** 2 / twistCovariance[0]!);
        squares.yawRate.push((yawRateRadPerS - yawOf(step) / seconds) ** 2 / twistCovariance[35]!);
      });
    }
    for (const [what, values] of Object.entries(squares)) {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      assert.ok(mean > 0.7 && mean < 1.3, `normalised square error of ${what} is ${mean}, expected near 1`);
    }
  });

  it('let odometry drift, but not far: per cents of the way', () => {
    const readings = simulateOdometry(frames, 1);
    const start = baseOf(frames[0]!.pose);
    const end = baseOf(frames.at(-1)!.pose);
    const last = readings.at(-1)!.pose;
    const c = Math.cos(yawOf(start));
    const s = Math.sin(yawOf(start));
    const error = Math.hypot(start.x + c * last.x - s * last.y - end.x, start.y + s * last.x + c * last.y - end.y);
    assert.ok(error > 0.5 && error < 0.06 * 3000, `${error} m after 3 km`);
    assert.deepEqual(readings[0]!.pose, { x: 0, y: 0, z: 0, qx: 0, qy: 0, qz: 0, qw: 1 });
  });
});
