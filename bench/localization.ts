/**
 * @file What does a frame cost in the localizer, and does it grow with the map?
 *
 * Maps of 1,000 and 100,000 generated places (a grid of streets, a place every 2 m), 20 matches a frame, half a metre of
 * travel between frames; with odometry, without, and off the map. Run: node dist/bench/localization.js
 */
import { performance } from 'node:perf_hooks';
import { planarPose } from '../src/geo/poseAlgebra.ts';
import { createLocalizer } from '../src/localization/createLocalizer.ts';
import type { CandidateMatch, Observation } from '../src/localization/Localizer.ts';
import type { MapPlace } from '../src/localization/MapPlace.ts';
import { createRandom } from '../src/math/random.ts';
import { quantile } from '../src/math/statistics.ts';

const SPACING_M = 2;
const STREET_PLACES = 50;
const FRAMES = 1500;
const WARM_UP = 300;
const FRAME_STEP_M = 0.5;

/** Parallel streets of 50 places, 30 m apart. */
function town(count: number): MapPlace[] {
  return Array.from({ length: count }, (_, index) => {
    const street = Math.floor(index / STREET_PLACES);
    return {
      ...{ id: index + 1, image: `${index}.jpg`, stampNs: null, sequence: null, frame: null, geo: null },
      pose: planarPose((index % STREET_PLACES) * SPACING_M, street * 30, 0),
      positionSigmaM: 0.5,
    };
  });
}

interface Drive {
  readonly odometry: boolean;
  readonly onMap: boolean;
}

/** Back and forth in one street: five neighbours clearly, fifteen impostors anywhere on the map. */
function observations(places: number, { odometry, onMap }: Drive): Observation[] {
  const random = createRandom(7);
  const lengthM = (STREET_PLACES - 1) * SPACING_M;
  const first = Math.floor(places / 2 / STREET_PLACES) * STREET_PLACES;
  return Array.from({ length: FRAMES }, (_, frame) => {
    const travelledM = frame * FRAME_STEP_M;
    const along = Math.abs(((travelledM + lengthM) % (2 * lengthM)) - lengthM);
    const nearest = Math.round(along / SPACING_M);
    const matches: CandidateMatch[] = [0, 1, -1, 2, -2].map((offset) => ({
      place: first + Math.min(STREET_PLACES - 1, Math.max(0, nearest + offset)) + 1,
      similarity: 0.7 - 0.05 * Math.abs(offset) + 0.02 * random.normal(),
      evidence: 110 - 15 * Math.abs(offset) + 5 * random.normal(),
    }));
    const impostors = Array.from({ length: onMap ? 15 : 20 }, () => ({
      place: 1 + random.int(places),
      similarity: 0.3 + 0.03 * random.normal(),
      evidence: 12 + 3 * random.normal(),
    }));
    const all = onMap ? [...matches, ...impostors] : impostors;
    const pose = planarPose(along, 0, 0);
    const stampNs = BigInt(frame) * 100_000_000n;
    return { stampNs, matches: all, fix: null, odometry: odometry ? { stampNs, pose } : null };
  });
}

function measure(count: number, drive: Drive): { readonly medianMs: number; readonly p99Ms: number } {
  const localizer = createLocalizer({ places: town(count), calibration: null });
  const times = observations(count, drive).map((observation) => {
    const started = performance.now();
    localizer.process(observation);
    return performance.now() - started;
  });
  const kept = times.slice(WARM_UP);
  return { medianMs: quantile(kept, 0.5), p99Ms: quantile(kept, 0.99) };
}

const DRIVES: readonly (readonly [string, Drive])[] = [
  ['with odometry', { odometry: true, onMap: true }],
  ['without odometry', { odometry: false, onMap: true }],
  ['off the map', { odometry: true, onMap: false }],
];

for (const [name, drive] of DRIVES) {
  const [small, large] = [measure(1_000, drive), measure(100_000, drive)];
  const ratio = large.medianMs / small.medianMs;
  const show = (result: typeof small): string => `${result.medianMs.toFixed(3)} ms (p99 ${result.p99Ms.toFixed(3)})`;
  console.log(
    `${name.padEnd(18)} 1,000 places ${show(small)}   100,000 places ${show(large)}   ratio ${ratio.toFixed(2)}`,
  );
}
