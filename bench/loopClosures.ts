/**
 * @file Which revisits of a drive are found as loop closures, and what is taken for one and is none? Without odometry, and with
 * odometry that drifts by 2 % and 1.7 degrees in 100 m.
 *
 *   netvlad simulate --out town --frames 1000 --conditions day --size 320x240 --seed 2
 *   netvlad map build town --out town.vprmap --no-calibration --no-thumbnails
 *   node dist/bench/loopClosures.js town.vprmap
 *
 * Any map of one drive with positions and headings will do. A revisit is within 4 m of an old keyframe in about the same heading; an
 * accepted closure between keyframes more than 10 m apart is false.
 */
import { performance } from 'node:perf_hooks';
import { PlaceMap } from '../src/map/PlaceMap.ts';
import { detectLoops, driftingOdometry, judgeLoops } from '../test/support/driveLoops.ts';
import { endWithUsage } from './support/usage.ts';

const paths = process.argv.slice(2);
if (paths.length === 0) endWithUsage('loopClosures.js MAP ...');
for (const path of paths) {
  const map = PlaceMap.open(path);
  const { places } = map;
  for (const [name, odometry] of [
    ['without odometry', null],
    ['with odometry', driftingOdometry(places.map(({ pose }) => pose!))],
  ] as const) {
    const started = performance.now();
    const closures = await detectLoops(map, odometry);
    const ms = (performance.now() - started) / places.length;
    const judged = judgeLoops(places, closures, { sameM: 4, falseM: 10 });
    console.log(
      `${path}, ${places.length} keyframes, ${name}: ${judged.regionsFound} of ${judged.regions.length} regions found, ` +
        `${judged.revisitsClosed} of ${judged.revisits} revisits closed, ${judged.falseOnes.length} of ${judged.accepted} accepted are false; ` +
        `${ms.toFixed(1)} ms a keyframe with search and verification`,
    );
    for (const each of judged.falseOnes) console.log(`  false: ${each}`);
  }
  map.close();
}
