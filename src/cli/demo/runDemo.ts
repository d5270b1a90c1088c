/**
 * @file The demonstration: build a map, start the real node, play a drive into it from another process, judge what it
 * publishes. Everything between the player and the numbers goes over DDS.
 */
import { rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NetvladError } from '../../errors.ts';
import { makeFolder } from '../../makeFolder.ts';
import { renderReport } from '../../evaluation/report/renderReport.ts';
import { describeCriterion } from '../../evaluation/truthCriterion.ts';
import { quantile } from '../../math/statistics.ts';
import { horizontalDistanceM } from '../../geo/poseAlgebra.ts';
import { PlaceMap } from '../../map/PlaceMap.ts';
import { writeFileAtomically } from '../../writeFileAtomically.ts';
import { createRosNode } from '../../ros/rclnodejs.ts';
import { DEFAULT_QOS, type RosNode } from '../../ros/RosNode.ts';
import type { CommandContext } from '../runCommand.ts';
import { ChildProgram, runToEnd } from './ChildProgram.ts';
import { createDemoReport } from './createDemoReport.ts';
import type { DemoSettings } from './DemoSettings.ts';
import { createPainter, formatFrame, formatHeader, formatSummary, type Painter } from './demoLines.ts';
import { judgeAnswer, stampOf, summarize, type JudgedFrame } from './judgeAnswers.ts';
import { planDemoDrive, writeDrivePlan, type DemoDrive } from './planDemoDrive.ts';
import { prepareTown } from './prepareTown.ts';

const PROJECT = resolve(fileURLToPath(new URL('../../../../', import.meta.url)));
/** The node loads model and map before its first answer. */
const FIRST_ANSWER_MS = 90_000;
/** After the player's end the answer to its last frame is on its way. */
const LAST_ANSWER_MS = 3000;
const HYPOTHESES = '/localizer/hypotheses';
const LINES_UNDER_A_HEADER = 30;

interface Stage {
  readonly settings: DemoSettings;
  readonly context: CommandContext;
  readonly paint: Painter;
}

function say(text = ''): void {
  process.stderr.write(`${text}\n`);
}

function announce(paint: Painter, title: string, command: readonly string[]): void {
  const shown = command.map((part) => (part === process.execPath ? 'node' : part.replace(`${PROJECT}/`, '')));
  say(`\n${paint('bold', title)}\n${paint('gray', `$ ${shown.join(' ')}`)}`);
}

/** Graphs of two demonstrations on one machine must not meet. */
function chooseDomain(): string {
  return process.env.ROS_DOMAIN_ID ?? String(1 + (process.pid % 99));
}

export async function runDemo(settings: DemoSettings, context: CommandContext): Promise<void> {
  const stage: Stage = { settings, context, paint: createPainter(process.stderr) };
  process.chdir(PROJECT);
  process.env.ROS_DOMAIN_ID = chooseDomain();
  await makeFolder(settings.out);
  const { data, bag } = await prepareData(stage);
  const map = await buildMap(stage, data);
  try {
    const drive = await planDemoDrive({ data, condition: settings.condition, bag }, map, settings.radiusM);
    const plan = join(settings.out, 'drive.jsonl');
    await writeDrivePlan(plan, drive);
    const frames = await driveThroughNode(stage, { drive, map, plan });
    await conclude(stage, { drive, map, frames });
  } finally {
    map.close();
  }
}

async function prepareData({ settings, context, paint }: Stage): Promise<{ data: string; bag: string | null }> {
  if (settings.data !== null) {
    if (!existsSync(settings.data)) {
      throw new NetvladError('bad-input', `DATA=${settings.data} does not exist.`, {
        hint: 'Name a folder with an index.csv (columns file, role and positions, frames or places).',
      });
    }
    return { data: settings.data, bag: null };
  }
  const town = await prepareTown(
    PROJECT,
    (command) => {
      announce(paint, 'Rendering a town and two drives through it, by day and at dusk', command);
    },
    context.signal,
  );
  if (town.isCached) say(`\n${paint('bold', 'The town')} is rendered already: ${relative(PROJECT, town.data)}`);
  return town;
}

async function buildMap({ settings, context, paint }: Stage, data: string): Promise<PlaceMap> {
  const path = join(settings.out, 'demo.vprmap');
  await rm(path, { force: true });
  const options = ['map', 'build', data, '--role', 'database', '--out', path];
  const command = [process.execPath, 'bin/netvlad.js', ...options];
  announce(paint, 'Building the map from the first traverse', command);
  await runToEnd(command, context.signal);
  return PlaceMap.open(path);
}

interface Play {
  readonly drive: DemoDrive;
  readonly map: PlaceMap;
  readonly plan: string;
}

async function driveThroughNode(stage: Stage, play: Play): Promise<readonly JudgedFrame[]> {
  const { settings, context, paint } = stage;
  const mapPath = join(settings.out, 'demo.vprmap');
  const command = [
    ...[process.execPath, 'bin/localizer_node.js', '--ros-args', '-p', `map:=${mapPath}`],
    ...['-p', 'image_transport:=compressed', '-p', 'ground_truth_type:=pose'],
    ...['-p', `max_speed:=${computeMaxSpeed(play.drive, settings.rate).toFixed(1)}`],
    ...['-r', 'image/compressed:=/image/compressed', '-r', 'odom:=/odom', '-r', 'ground_truth:=/ground_truth'],
  ];
  announce(paint, `Starting the node (ROS_DOMAIN_ID=${process.env.ROS_DOMAIN_ID})`, command);
  const nodeLog: string[] = [];
  const listener = await createRosNode('demo_listener', []);
  const node = new ChildProgram(command, (line) => nodeLog.push(line));
  const player = ['python3', 'scripts/demo/play_drive.py', play.plan, '--rate', String(settings.rate)];
  const programs: ChildProgram[] = [node];
  try {
    return await watch({
      stage,
      play,
      listener,
      node,
      startPlayer: (onLine) => {
        announce(paint, 'Playing the drive into it from another process', player);
        const program = new ChildProgram(player, onLine);
        programs.push(program);
        return program;
      },
    });
  } finally {
    for (const program of programs.reverse()) await program.stop();
    listener.shutdown();
    await writeFileAtomically(join(settings.out, 'node.log'), `${nodeLog.join('\n')}\n`);
    context.logger.debug(`node log: ${join(settings.out, 'node.log')}`);
  }
}

/** The drive may be played faster than it was driven; the node must be told, as it bounds motion between frames. */
function computeMaxSpeed({ images }: DemoDrive, rate: number): number {
  const steps = images.slice(1).flatMap(({ place: { pose } }, i) => {
    const before = images[i]!.place.pose;
    return pose === null || before === null ? [] : [horizontalDistanceM(before, pose)];
  });
  return Math.min(200, Math.max(15, 1.5 * rate * (quantile(steps, 0.9) || 0)));
}

interface Watch {
  readonly stage: Stage;
  readonly play: Play;
  readonly listener: RosNode;
  readonly node: ChildProgram;
  readonly startPlayer: (onLine: (line: string) => void) => ChildProgram;
}

/** Prints and keeps what the node says of every frame until the player has ended. */
async function watch({ stage, play, listener, node, startPlayer }: Watch): Promise<readonly JudgedFrame[]> {
  const { context, paint } = stage;
  const { frames, playedFrames, lastAnswer } = listen(listener, play, paint);
  const silence = watchSilence(() => frames.length > 0, node);
  const nodeFails = node.ended.then(({ code }): never => {
    throw new NetvladError('environment', `The node ended (exit code ${code}) before the drive did.`, {
      hint: describeLog(node),
    });
  });
  const hindrances = [nodeFails, silence.fails, untilAborted(context.signal)];
  try {
    await Promise.race([untilPublished(listener, HYPOTHESES), ...hindrances]);
    const player = startPlayer((line) => {
      const played = parsePlayedLine(line);
      if (played === null) say(paint('gray', `player: ${line}`));
      else playedFrames.set(played.stampNs, played.frame);
    });
    const playerEnds = player.ended.then(({ code }) => {
      if (code === 0) return;
      throw new NetvladError('environment', `The player ended with exit code ${code}.`, { hint: describeLog(node) });
    });
    await Promise.race([playerEnds, ...hindrances]);
    await Promise.race([lastAnswer, delay(LAST_ANSWER_MS), ...hindrances]);
  } finally {
    silence.cancel();
  }
  if (frames.length > 0) return frames;
  throw new NetvladError('environment', 'The whole drive was played and the node said nothing.', {
    hint: describeLog(node),
  });
}

interface Listening {
  /** What was said, in order of arrival. */
  readonly frames: readonly JudgedFrame[];
  /** Stamp -> frame of the drive, as the player tells it. */
  readonly playedFrames: Map<bigint, number>;
  readonly lastAnswer: Promise<void>;
}

function listen(listener: RosNode, { drive, map }: Play, paint: Painter): Listening {
  const frames: JudgedFrame[] = [];
  const playedFrames = new Map<bigint, number>();
  const total = drive.images.length;
  const lastAnswer = new Promise<void>((done) => {
    listener.subscribe('netvlad_localizer/msg/PlaceHypotheses', HYPOTHESES, {
      qos: { ...DEFAULT_QOS, depth: 100 },
      onMessage: (message) => {
        const stampNs = stampOf(message);
        const frame = playedFrames.get(stampNs);
        if (frame === undefined) return;
        const latencyMs = Number(BigInt(Date.now()) * 1_000_000n - stampNs) / 1e6;
        const judged = judgeAnswer(message, frame, { drive, map, latencyMs });
        if (frames.length % LINES_UNDER_A_HEADER === 0) say(paint('bold', `\n${formatHeader(map.hasPositions)}`));
        frames.push(judged);
        say(formatFrame(judged, total, paint));
        if (frame === total - 1) done();
      },
    });
  });
  return { frames, playedFrames, lastAnswer };
}

function parsePlayedLine(line: string): { frame: number; stampNs: bigint } | null {
  if (!line.startsWith('{"frame"')) return null;
  const { frame, stamp_ns: stamp } = JSON.parse(line) as { frame: number; stamp_ns: string };
  return { frame, stampNs: BigInt(stamp) };
}

function describeLog(node: ChildProgram): string {
  return `The node's last words:\n    ${node.log.slice(-8).join('\n    ') || '(none)'}`;
}

function delay(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** Resolves when the node is on the graph and a moment has passed for the two ends to meet. */
async function untilPublished(listener: RosNode, topic: string): Promise<void> {
  while (listener.publishersOf(topic).length === 0) await delay(100);
  await delay(500);
}

/** `fails` rejects when nothing has come for too long. */
function watchSilence(
  hasSpoken: () => boolean,
  node: ChildProgram,
): { readonly fails: Promise<never>; readonly cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const fails = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      if (hasSpoken()) return;
      const message = `The node gave no hypotheses within ${FIRST_ANSWER_MS / 1000} s.`;
      reject(new NetvladError('environment', message, { hint: describeLog(node) }));
    }, FIRST_ANSWER_MS);
  });
  return {
    fails,
    cancel: () => {
      clearTimeout(timer);
    },
  };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}

async function conclude(
  { settings, context, paint }: Stage,
  { drive, map, frames }: { drive: DemoDrive; map: PlaceMap; frames: readonly JudgedFrame[] },
): Promise<void> {
  const numbers = summarize(frames, drive.images.length);
  const criterion = describeCriterion(drive.criterion);
  const report = join(settings.out, 'report.html');
  const title = settings.data === null ? 'A drive through the town' : `A drive through ${settings.data}`;
  const document = await createDemoReport({ title, drive, map, frames, numbers, rate: settings.rate });
  await writeFileAtomically(report, renderReport(document));
  await writeFileAtomically(
    join(settings.out, 'result.json'),
    `${JSON.stringify({ criterion, ...numbers }, null, 2)}\n`,
  );
  say();
  context.output({ criterion, ...numbers, report }, formatSummary(numbers, criterion, paint));
  context.output({}, `  ${paint('bold', 'report  ')} ${report.replace(`${PROJECT}/`, '')}`);
}
