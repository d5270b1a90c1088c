/** @file A recorded drive replayed against the map that was made of it: what is found, what is counted, what is written. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BagSource } from '../../src/bags/BagSource.ts';
import { createMcapWriter } from '../../src/bags/McapRecordingWriter.ts';
import { openBag } from '../../src/bags/openBag.ts';
import { PoseTrack } from '../../src/bags/PoseTrack.ts';
import { openBagSource } from '../../src/bags/openBagSource.ts';
import { checkStamps } from '../../src/evaluation/replay/checkStamps.ts';
import { checkTruth } from '../../src/evaluation/replay/checkTruth.ts';
import { formatFramesCsv } from '../../src/evaluation/replay/framesCsv.ts';
import { judgeReplay, summarizeTimings, type ReplayJudgement } from '../../src/evaluation/replay/judgeReplay.ts';
import { openInputs, type OpenedInputs, type ReplayTopics } from '../../src/evaluation/replay/openInputs.ts';
import { replayAll, replayPaced } from '../../src/evaluation/replay/replayBag.ts';
import type { ReplayDocument } from '../../src/evaluation/replay/ReplayDocument.ts';
import type { ReplayFrame } from '../../src/evaluation/replay/ReplayFrame.ts';
import { readReplayPictures } from '../../src/evaluation/replay/replayPictures.ts';
import { formatTum, parseTrajectoryCsv, parseTum } from '../../src/evaluation/replay/trajectoryFile.ts';
import { writeReplay } from '../../src/evaluation/replay/writeReplay.ts';
import type { NetvladError } from '../../src/errors.ts';
import type { Decision } from '../../src/localization/Localizer.ts';
import { createLocalizer } from '../../src/localization/createLocalizer.ts';
import { buildMap } from '../../src/map/buildMap.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { LocalRecognizer } from '../../src/recognition/LocalRecognizer.ts';
import { openIndex } from '../../src/recognition/openIndex.ts';
import type { PlaceRecognizer } from '../../src/recognition/PlaceRecognizer.ts';
import { fixMessage } from '../bags/support/rosMessageBuilders.ts';
import { createColourModel } from '../support/colourModel.ts';
import { DRIVE_START_NS, DRIVE_TOPIC, STEP_M, writeColourDrive, type ColourDrive } from './support/colourDrive.ts';

const IMAGES = 12;

describe('replay', () => {
  let folder = '';
  let map: PlaceMap;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-replay-'));
    await writeColourDrive(join(folder, 'map.mcap'), { images: IMAGES });
    const source = await openBagSource(join(folder, 'map.mcap'), { positionTopic: '/odom' });
    await buildMap(source, createColourModel(), { out: join(folder, 'walls.vprmap') });
    map = PlaceMap.open(join(folder, 'walls.vprmap'));
  });
  after(() => {
    map.close();
    rmSync(folder, { recursive: true });
  });

  interface Run {
    readonly opened: OpenedInputs;
    readonly frames: readonly ReplayFrame[];
    readonly judgement: ReplayJudgement;
    readonly problems: readonly string[];
  }

  async function run(
    drive: ColourDrive,
    how: { readonly topics?: ReplayTopics; readonly speed?: number; readonly slowMs?: number } = {},
  ): Promise<Run> {
    const path = join(folder, 'drive.mcap');
    await writeColourDrive(path, drive);
    const bag = await openBag(path);
    try {
      return await runOver(bag, how);
    } finally {
      await bag.close();
    }
  }

  async function runOver(
    bag: BagSource,
    how: { readonly topics?: ReplayTopics; readonly speed?: number; readonly slowMs?: number },
  ): Promise<Run> {
    const opened = await openInputs(bag, {
      ...{ topics: how.topics ?? {}, useOdometry: true, useFix: true, toleranceS: 0.2, baseFrame: '', datum: null },
    });
    const local = new LocalRecognizer(createColourModel(), await openIndex(map, 'exact'));
    const recognizer: PlaceRecognizer = {
      recognize: async (frame, k) => {
        if (how.slowMs !== undefined) await new Promise((resolve) => setTimeout(resolve, how.slowMs));
        return local.recognize(frame, k);
      },
      dispose: () => local.dispose(),
    };
    const localizer = createLocalizer({ places: map.places, calibration: null });
    const frames: ReplayFrame[] = [];
    const problems: string[] = [];
    const events = {
      onFrame: (frame: ReplayFrame) => Promise.resolve(void frames.push(frame)),
      onProblem: ({ problem }: { readonly problem: string }) => void problems.push(problem),
      signal: new AbortController().signal,
    };
    const tools = { recognizer, localizer, topK: 10 };
    if (how.speed === undefined) await replayAll(opened.inputs, tools, events);
    else await replayPaced(opened.inputs, tools, { ...events, speed: how.speed });
    const judgement = judgeReplay(frames, {
      recording: {
        ...{ path: 'drive.mcap', description: bag.description, imageTopic: DRIVE_TOPIC },
        ...{ odometryTopic: opened.odometryTopic, fixTopic: null, groundTruth: opened.truth?.description ?? null },
      },
      model: { name: 'mean-colour', sha256: '0' },
      map: { path: 'walls.vprmap', id: map.manifest.id, places: map.places.length },
      ...{ settings: {}, places: map.places, problems: [] },
      criterion: opened.truth === null ? null : { kind: 'radius', radiusM: 1 },
    });
    return { opened, frames, judgement, problems };
  }

  it('finds every wall again, in order, at its own stamp', async () => {
    const { frames, judgement, opened } = await run({ images: IMAGES });
    assert.equal(opened.odometryTopic, '/odom');
    assert.equal(opened.truth!.topic, '/ground_truth');
    assert.deepEqual(
      frames.map(({ index, stampNs }) => [index, stampNs]),
      Array.from({ length: IMAGES }, (_, i) => [i, DRIVE_START_NS + BigInt(i) * 1_000_000_000n]),
    );
    const top = frames.map((frame) => frame.kind === 'processed' && frame.matches[0]!.place);
    assert.deepEqual(
      top,
      map.places.map(({ id }) => id),
    );
    assert.deepEqual(judgement.document.evaluation!.recall, { 1: 1, 5: 1, 10: 1, 20: 1 });
  });

  it('the same recording gives the same document and the same frames.csv, byte for byte', async () => {
    const [first, second] = [await run({ images: IMAGES, broken: [3] }), await run({ images: IMAGES, broken: [3] })];
    assert.equal(JSON.stringify(first.judgement.document), JSON.stringify(second.judgement.document));
    const csv = (given: Run): string => formatFramesCsv(given.frames, given.judgement.evaluation!.perQuery);
    assert.equal(csv(first), csv(second));
  });

  it('counts an unusable image by its kind and goes on', async () => {
    const { judgement, frames } = await run({ images: IMAGES, broken: [3, 7] });
    const { images, processed, rejected, dropped } = judgement.document.frames;
    assert.deepEqual(
      { images, processed, rejected, dropped },
      { images: 12, processed: 10, rejected: { truncated: 2 }, dropped: 0 },
    );
    const lines = formatFramesCsv(frames, judgement.evaluation!.perQuery).trimEnd().split('\n');
    assert.equal(lines.length, 1 + IMAGES);
    const header = lines[0]!.split(',');
    const cell = (line: string, column: string): string => line.split(',')[header.indexOf(column)]!;
    assert.equal(cell(lines[4]!, 'outcome'), 'rejected');
    assert.match(lines[4]!, /truncated: /);
    assert.equal(cell(lines[5]!, 'stamp_ns'), String(DRIVE_START_NS + 4_000_000_000n));
    assert.equal(cell(lines[5]!, 'top1_correct'), 'true');
  });

  it('measures the error against the truth, from wherever the truth comes', async () => {
    // Off by 0.5 m to the side: within the radius, and the error of an estimate that lies on the track.
    const offset = { images: IMAGES, offsetM: 0.5 };
    const byTopic = await run(offset);
    const tum = join(folder, 'truth.txt');
    const poses = byTopic.frames.map(({ stampNs, truth }) => ({ stampNs, pose: truth! }));
    writeFileSync(tum, formatTum(poses));
    const byFile = await run(offset, { topics: { groundTruth: tum } });
    const other = join(folder, 'other.mcap');
    await writeColourDrive(other, offset);
    const byOther = await run(offset, { topics: { groundTruth: other } });
    const byItsTopic = await run(offset, { topics: { groundTruth: `${other}:/ground_truth` } });
    const csv = join(folder, 'truth.csv');
    const rows = poses.map(({ stampNs, pose }) => `${stampNs},${pose.x},${pose.y}`);
    writeFileSync(csv, ['timestamp,x_m,y_m', ...rows].join('\n'));
    const byCsv = await run(offset, { topics: { groundTruth: csv } });
    const { locatedErrorM } = byTopic.judgement.document;
    assert.ok(locatedErrorM !== null && locatedErrorM.median >= 0.5 && locatedErrorM.median < STEP_M / 2);
    for (const { judgement } of [byFile, byOther, byItsTopic]) {
      assert.deepEqual(judgement.document.locatedErrorM, locatedErrorM);
    }
    assert.deepEqual(byCsv.judgement.document.locatedErrorM, locatedErrorM);
  });

  it('without truth it counts decisions and judges nothing', async () => {
    const path = join(folder, 'truth.tum');
    writeFileSync(path, '# nothing\n');
    const { judgement, frames, opened } = await run({ images: 4 }, { topics: { groundTruth: path } });
    assert.equal(judgement.document.locatedErrorM, null);
    const { queriesWithTruth, acceptance, calibration } = judgement.document.evaluation!;
    assert.deepEqual([queriesWithTruth, acceptance, calibration], [0, null, null]);
    const problem = checkTruth(judgement.document, frames, { truth: opened.truth!, datum: null });
    assert.equal(problem, `The ground truth ${path} holds no positions.`);
  });

  it('says that a truth is on another clock, with both spans', async () => {
    const path = join(folder, 'boot.tum');
    writeFileSync(path, '5.5 0 0 0 0 0 0 1\n9 0 0 0 0 0 0 1\n');
    const { judgement, frames, opened } = await run({ images: 4 }, { topics: { groundTruth: path } });
    assert.equal(
      checkTruth(judgement.document, frames, { truth: opened.truth!, datum: null }),
      `No image has a true position: the ground truth ${path} covers 5.500000000 to 9.000000000 s, ` +
        'the images 1700000000.000000000 to 1700000003.000000000 s. Both must be on one clock.',
    );
  });

  it('says that a truth is in another frame, and nothing of one that fits', async () => {
    const [fits, shifted] = [await run({ images: IMAGES }), await run({ images: IMAGES, offsetM: 120 })];
    const check = ({ judgement, frames, opened }: Run): string | null =>
      checkTruth(judgement.document, frames, { truth: opened.truth!, datum: { latDeg: 47.5, lonDeg: 8.5, altM: 0 } });
    assert.equal(check(fits), null);
    assert.match(check(shifted)!, /^No true position lies within 1 m of the map, and what was located is off by 120 m/);
    assert.match(check(shifted)!, /origin at 47\.5,8\.5\..*--datum LAT,LON/);
  });

  it('says so as well where the frames overlap: many located poses, and none near its truth', () => {
    const far = { state: 'located', pose: { x: 30, y: 0 } } as Decision;
    const near = { state: 'located', pose: { x: 20, y: 0 } } as Decision;
    const frames = Array.from(
      { length: 20 },
      () => ({ kind: 'processed', decision: far, truth: { x: 0, y: 0 } }) as ReplayFrame,
    );
    const judged = { radiusM: 25, criterion: 'within 25 m', queriesWithTruth: 20 };
    const document = { evaluation: judged, locatedErrorM: { median: 30, p90: 30 } } as unknown as ReplayDocument;
    const check = (of: readonly ReplayFrame[]): string | null =>
      checkTruth(document, of, { truth: { description: '/odom', track: new PoseTrack([], 0n) }, datum: null });
    assert.match(check(frames)!, /^No located pose lies within 25 m of its true position, the median error is 30 m: /);
    assert.equal(check(frames.slice(1)), null, 'nineteen wrong answers may just be wrong');
    const oneRight = [...frames.slice(1), { ...frames[0]!, decision: near } as ReplayFrame];
    assert.equal(check(oneRight), null);
  });

  it('says when stamps stand still or go back', () => {
    const at = (...stamps: bigint[]): readonly string[] =>
      checkStamps(
        stamps.map((stampNs) => ({ stampNs })),
        '/cam',
      );
    assert.deepEqual(at(), []);
    assert.deepEqual(at(1n, 2n, 3n), []);
    assert.match(
      at(0n, 0n, 0n).join(),
      /^Stamped as the one before: 2 images of \/cam \(0: the driver does not fill in/,
    );
    assert.match(at(1n, 2n, 2n).join(), /^Stamped as the one before: 1 image of \/cam\. /);
    assert.match(
      at(5_000_000_000n, 1n, 2n).join(),
      /^Stamped earlier than the one before: 1 image of \/cam, first 0\.000000001 s after 5\.000000000 s\. /,
    );
  });

  it('says that a geodetic truth needs a map with a datum', async () => {
    const path = join(folder, 'gnss.csv');
    writeFileSync(path, 'timestamp,lat,lon\n1700000000,47,8\n1700000003,47,8\n');
    const { judgement, frames, opened } = await run({ images: 4 }, { topics: { groundTruth: path } });
    const problem = checkTruth(judgement.document, frames, { truth: opened.truth!, datum: null });
    assert.match(problem!, /gnss\.csv is geodetic and the map in local metres/);
  });

  it('at a pace, images that come too fast are dropped and counted, none is lost', async () => {
    const { frames, judgement } = await run({ images: 30 }, { speed: 1e6, slowMs: 20 });
    const { images, processed, dropped } = judgement.document.frames;
    assert.equal(images, 30);
    assert.equal(processed + dropped, 30);
    assert.ok(dropped > 0);
    assert.deepEqual(
      frames.map(({ index }) => index),
      Array.from({ length: 30 }, (_, i) => i),
    );
    assert.equal(frames.at(-1)!.kind, 'processed', 'the newest image is never overtaken');
    for (const frame of frames) assert.ok(frame.kind !== 'processed' || frame.latencyMs! > 0);
  });

  it('refuses a ground truth that is neither topic nor file, naming the topics', async () => {
    await assert.rejects(
      run({ images: 2 }, { topics: { groundTruth: '/nothing' } }),
      (error: Error & { hint?: string }) => {
        assert.match(error.message, /\/nothing is neither a topic of .*drive\.mcap nor a file/);
        assert.match(error.hint!, /\/ground_truth/);
        return true;
      },
    );
  });

  it('names the topics of another recording that may be the truth, and how to choose one', async () => {
    const other = join(folder, 'other.mcap');
    const writer = await createMcapWriter(other);
    for (const topic of ['/gps/fix', '/rtk/fix']) {
      await writer.write(topic, 'sensor_msgs/msg/NavSatFix', DRIVE_START_NS, fixMessage(DRIVE_START_NS, 47, 8));
    }
    await writer.close();
    const hintOf = (groundTruth: string): Promise<string> =>
      run({ images: 2 }, { topics: { groundTruth } }).then(
        () => 'accepted',
        (error: unknown) => (error as NetvladError).hint ?? '',
      );
    assert.match(await hintOf(other), /^Name one with --ground-truth .*other\.mcap:TOPIC: \/gps\/fix .*, \/rtk\/fix /);
    assert.equal(await hintOf(`${other}:/rtk/fix`), 'accepted');
    assert.match(await hintOf(`${other}:/odom`), /^It holds \/gps\/fix /);
  });

  it('writes the whole folder; the trajectories hold what was decided', async () => {
    const { frames, judgement, opened } = await run({ images: IMAGES });
    const bag = await openBag(join(folder, 'drive.mcap'));
    const processed = frames.filter((frame) => frame.kind === 'processed');
    const criterion = { kind: 'radius', radiusM: 1 } as const;
    const sources = { bag, imageTopic: opened.image.name, map, frames: processed, criterion, explain: null };
    const out = join(folder, 'report');
    await writeReplay(out, {
      ...{ judgement, frames, places: map.places, pictures: await readReplayPictures(sources, [0, 5]) },
      timings: summarizeTimings(frames, { wallS: 1, speed: null, imagesAtOnce: 1 }),
    });
    await bag.close();
    assert.deepEqual(readdirSync(out).sort(), [
      ...['frames.csv', 'report.html', 'report.json', 'timings.json', 'trajectory.tum', 'truth.tum'],
    ]);
    const located = parseTum(readFileSync(join(out, 'trajectory.tum'), 'utf8'));
    assert.equal(located.length, judgement.document.frames.located);
    assert.ok(located.length > IMAGES / 2);
    const truth = parseTum(readFileSync(join(out, 'truth.tum'), 'utf8'));
    assert.deepEqual(
      truth.map(({ pose }) => pose!.x),
      Array.from({ length: IMAGES }, (_, i) => i * STEP_M),
    );
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    for (const part of ['Recall@N', 'Trajectory over the map', 'Random successes', 'data:image/jpeg']) {
      assert.ok(page.includes(part), part);
    }
  });
});

describe('trajectory files', () => {
  it('TUM: nanoseconds survive, comments are skipped', () => {
    const pose = { x: 1.5, y: -2, z: 0.25, qx: 0, qy: 0, qz: Math.SQRT1_2, qw: Math.SQRT1_2 };
    const text = formatTum([{ stampNs: 1_700_000_000_123_456_789n, pose }]);
    assert.equal(
      text.split('\n')[1],
      '1700000000.123456789 1.500000000 -2.000000000 0.250000000 0.000000000 0.000000000 0.707106781 0.707106781',
    );
    const [sample] = parseTum(`# comment\n\n${text}`);
    assert.equal(sample!.stampNs, 1_700_000_000_123_456_789n);
    assert.ok(Math.abs(sample!.pose!.qz - Math.SQRT1_2) < 1e-8);
  });

  it('names the line that does not fit', () => {
    assert.throws(() => parseTum('1.0 0 0 0 0 0 0 1\n2.0 0 0'), /line 2: expected `timestamp tx ty tz qx qy qz qw`/);
    assert.throws(
      () => parseTrajectoryCsv('timestamp,x_m,y_m\n1,2,3\n2,,3\n'),
      /row 3: expected timestamp and x_m,y_m/,
    );
    assert.throws(
      () => parseTum('1 0 0 0 0 0 0 1\n2 0 0 0 0 0 0 0'),
      /line 2: .* with a rotation \(0 0 0 1 for none\), got `2 /,
    );
    assert.throws(() => parseTrajectoryCsv('timestamp,x_m,y_m,yaw_deg\n1,2,3,north\n'), /row 2: .*"north"/);
  });

  it('CSV: geodetic or local', () => {
    const [fix] = parseTrajectoryCsv('timestamp,lat,lon\n2023-11-14T22:13:20Z,43.5,11.25\n');
    assert.deepEqual([fix!.stampNs, fix!.geo!.latDeg, fix!.geo!.lonDeg], [1_700_000_000_000_000_000n, 43.5, 11.25]);
    const [local] = parseTrajectoryCsv('timestamp,x_m,y_m,yaw_deg\n1700000000.5,1,2,90\n');
    assert.deepEqual([local!.stampNs, local!.pose!.x, local!.pose!.y], [1_700_000_000_500_000_000n, 1, 2]);
  });
});
