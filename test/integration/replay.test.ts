/** @file `netvlad map build` and `netvlad replay` of a recording through the real command line, whole and cut. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { isBagProblem } from '../../src/bags/BagSource.ts';
import { createMcapWriter } from '../../src/bags/McapRecordingWriter.ts';
import { openBag } from '../../src/bags/openBag.ts';
import { toRosTime } from '../../src/bags/rosTime.ts';
import { decodeMessage } from '../../src/bags/decodeMessage.ts';
import type { RosMessages } from '../../src/bags/messages.ts';
import type { ReplayDocument } from '../../src/evaluation/replay/ReplayDocument.ts';
import { parseTum } from '../../src/evaluation/replay/trajectoryFile.ts';
import { runNetvlad } from '../support/runNetvlad.ts';
import { sharedPath } from '../support/sharedData.ts';

const IMAGES = 10;
/** Two images a second. */
const SECONDS = IMAGES / 2;

/** As `evo_ape tum truth.tum trajectory.tum` judges: median distance of the poses of equal stamps. */
function medianApart(report: string): number {
  const [truth, located] = ['truth.tum', 'trajectory.tum'].map((name) => {
    return parseTum(readFileSync(join(report, name), 'utf8'));
  });
  const apart = located!.map(({ stampNs, pose }) => {
    const { x, y, z } = truth!.find((sample) => sample.stampNs === stampNs)!.pose!;
    return Math.hypot(pose!.x - x, pose!.y - y, pose!.z - z);
  });
  const sorted = apart.sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}

/** States of the decisions in order, and the number of messages by topic. */
async function readResults(path: string): Promise<{ states: number[]; counts: Record<string, number> }> {
  const states: number[] = [];
  const counts: Record<string, number> = {};
  const bag = await openBag(path);
  for await (const item of bag.messages()) {
    assert.ok(!isBagProblem(item));
    const { name } = item.topic;
    counts[name] = (counts[name] ?? 0) + 1;
    const message = decodeMessage(item);
    if (name !== '/localizer/hypotheses') continue;
    states.push((message as RosMessages['netvlad_localizer/msg/PlaceHypotheses']).state);
  }
  await bag.close();
  return { states, counts: Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

describe('netvlad replay', function () {
  this.timeout(120_000);
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-replay-cli-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** Real images of a campus robot with its poses as /ground_truth. */
  async function record(path: string, images: string): Promise<void> {
    const rows = parse<Record<string, string>>(readFileSync(join(images, 'index.csv')), { columns: true, bom: true });
    const writer = await createMcapWriter(path);
    for (const [i, row] of rows.slice(0, IMAGES).entries()) {
      const stampNs = 1_700_000_000_000_000_000n + BigInt(i) * 500_000_000n;
      const header = { stamp: toRosTime(stampNs), frame_id: 'camera' };
      const yaw = (Number(row.yaw_deg) * Math.PI) / 180;
      const orientation = { x: 0, y: 0, z: Math.sin(yaw / 2), w: Math.cos(yaw / 2) };
      const pose = { position: { x: Number(row.x_m), y: Number(row.y_m), z: 0 }, orientation };
      const data = readFileSync(join(images, row.file!));
      await writer.write('/ground_truth', 'geometry_msgs/msg/PoseStamped', stampNs, { header, pose });
      await writer.write('/camera/compressed', 'sensor_msgs/msg/CompressedImage', stampNs, {
        header,
        format: 'png',
        data,
      });
    }
    await writer.close();
  }

  it('builds a map from a drive, replays it, writes report and results; a cut drive is replayed up to the cut', async function () {
    const [bag, map] = [join(folder, 'drive.mcap'), join(folder, 'drive.vprmap')];
    await record(bag, sharedPath(this, 'data', 'nakamura_campus_robot'));
    const built = await runNetvlad(['map', 'build', bag, '--out', map]);
    assert.equal(built.code, 0, built.stderr);
    const [report, out] = [join(folder, 'report'), join(folder, 'out.mcap')];
    const whole = await runNetvlad(['replay', bag, '--map', map, '--report', report, '--out', out, '--json']);
    assert.equal(whole.code, 0, whole.stderr);
    const document = JSON.parse(whole.stdout) as ReplayDocument;
    assert.equal(document.frames.processed, IMAGES);
    assert.equal(document.recording.groundTruth, '/ground_truth (geometry_msgs/msg/PoseStamped)');
    assert.equal(document.evaluation!.recall[1], 1);
    assert.equal(readdirSync(report).length, 6);
    const written = JSON.parse(readFileSync(join(report, 'report.json'), 'utf8')) as ReplayDocument;
    assert.deepEqual(written.frames, document.frames);

    const judged = await runNetvlad(['evaluate', '--map', map, '--queries', bag, '--json']);
    assert.equal(judged.code, 0, judged.stderr);
    assert.deepEqual((JSON.parse(judged.stdout) as ReplayDocument['evaluation'])!.recall, document.evaluation!.recall);
    assert.ok(Math.abs(medianApart(report) - document.locatedErrorM!.median) < 1e-6);

    const { states, counts } = await readResults(out);
    assert.equal(states.length, IMAGES);
    assert.equal(states.filter((state) => state === 2).length, document.frames.located);
    assert.deepEqual(counts, {
      '/diagnostics': SECONDS,
      '/localizer/debug_image/compressed': IMAGES,
      '/localizer/hypotheses': IMAGES,
      '/localizer/hypotheses/markers': IMAGES,
      '/localizer/hypotheses/poses': IMAGES,
      '/localizer/pose': document.frames.located,
      '/localizer/recall': SECONDS,
      '/localizer/trajectory': SECONDS,
    });

    const cut = join(folder, 'cut.mcap');
    writeFileSync(cut, readFileSync(bag).subarray(0, 400_000));
    const half = await runNetvlad(['replay', cut, '--map', map, '--json']);
    assert.equal(half.code, 0, half.stderr);
    const { frames, problems } = JSON.parse(half.stdout) as ReplayDocument;
    assert.ok(frames.processed > 0 && frames.processed < IMAGES, `${frames.processed} frames`);
    assert.match(problems.map(({ problem }) => problem).join(), /cut/);
    assert.match(half.stderr, /cut\.mcap, byte \d+ of 400000/);
  });

  it('a second run writes the same bytes; with the inputs it is a recording that shows all, also as a rosbag2 folder', async function () {
    const [bag, map] = [join(folder, 'twice.mcap'), join(folder, 'twice.vprmap')];
    await record(bag, sharedPath(this, 'data', 'nakamura_campus_robot'));
    assert.equal((await runNetvlad(['map', 'build', bag, '--out', map])).code, 0);
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    for (const out of [first, second]) {
      const run = await runNetvlad([
        'replay',
        bag,
        '--map',
        map,
        '--out',
        out,
        '--with-inputs',
        '--report',
        `${out}-report`,
      ]);
      assert.equal(run.code, 0, run.stderr);
    }
    assert.deepEqual(readdirSync(first).sort(), ['first_0.mcap', 'metadata.yaml']);
    const bytesOf = (...parts: string[]): Buffer => readFileSync(join(...parts));
    assert.ok(bytesOf(first, 'first_0.mcap').equals(bytesOf(second, 'second_0.mcap')));
    for (const name of ['report.json', 'frames.csv', 'trajectory.tum']) {
      assert.ok(bytesOf(`${first}-report`, name).equals(bytesOf(`${second}-report`, name)), name);
    }
    const { counts } = await readResults(first);
    assert.equal(counts['/camera/compressed'], IMAGES);
    assert.equal(counts['/ground_truth'], IMAGES);
    assert.equal(counts['/localizer/hypotheses'], IMAGES);

    const over = await runNetvlad(['replay', bag, '--map', map, '--out', bag]);
    assert.equal(over.code, 2);
    assert.match(over.stderr, /--out would write .*, which belongs to the recording /);
    const truth = join(folder, 'truth.tum');
    writeFileSync(truth, '1700000000 0 0 0 0 0 0 1\n');
    const judged = await runNetvlad(['replay', bag, '--map', map, '--ground-truth', truth, '--report', folder]);
    assert.equal(judged.code, 2);
    assert.match(judged.stderr, /--report would write .*truth\.tum, which belongs to --ground-truth /);
    const exported = await runNetvlad(['map', 'export', map, '--places', map]);
    assert.equal(exported.code, 2);
    assert.match(exported.stderr, /--places would write .*, which belongs to the map /);
    const again = await runNetvlad(['replay', bag, '--map', map, '--out', first]);
    assert.equal(again.code, 3);
    assert.match(again.stderr, /first is there already; a recording does not replace it/);
  });
});
