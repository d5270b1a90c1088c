/** @file How many frames a second does the town render at 640x480, on one thread and on all? */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile } from '../src/math/statistics.ts';
import { silentProgress } from '../src/Progress.ts';
import { createCamera } from '../src/simulation/Camera.ts';
import { CONDITIONS } from '../src/simulation/conditions.ts';
import { planTraverses, type SimulationSettings } from '../src/simulation/planTraverses.ts';
import { simulateTown } from '../src/simulation/simulateTown.ts';
import { planTown } from '../src/simulation/TownPlan.ts';
import { TownRenderer } from '../src/simulation/TownRenderer.ts';
import { createScene } from '../src/simulation/TownScene.ts';

const settings: SimulationSettings = {
  seed: 2,
  frames: 60,
  conditions: ['day', 'night'],
  width: 640,
  height: 480,
  spacingM: 3,
  districts: 1,
  testDistricts: 0,
  blocks: null,
  excursion: false,
  deviation: 1,
  datum: { latDeg: 47.5, lonDeg: 8.5, altM: 430 },
  jpegQuality: 88,
};

const { town, frames, seed } = planTraverses(settings)[0]!;
const camera = createCamera(settings.width, settings.height);
console.log('condition     median ms   (one thread, textures painted)');
for (const condition of CONDITIONS) {
  const renderer = new TownRenderer(createScene(planTown(town), { condition, seed }, camera), camera);
  const poses = frames.slice(0, 12).map(({ pose }) => pose);
  for (const pose of poses) renderer.render(pose, 1);
  const times = poses.map((pose, i) => {
    const started = performance.now();
    renderer.render(pose, i);
    return performance.now() - started;
  });
  console.log(`${condition.padEnd(12)} ${quantile(times, 0.5).toFixed(1).padStart(10)}`);
}

const folder = await mkdtemp(join(tmpdir(), 'netvlad-bench-'));
const started = performance.now();
const { frames: count } = await simulateTown(
  settings,
  { folder: join(folder, 'town'), bag: null },
  { signal: new AbortController().signal, progress: silentProgress },
);
const rate = count / ((performance.now() - started) / 1000);
console.log(
  `\nwhole command: ${rate.toFixed(1)} frames/s (${count} frames, ${availableParallelism()} cores, JPEG and files)`,
);
await rm(folder, { recursive: true, force: true });
