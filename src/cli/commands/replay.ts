/** @file `netvlad replay`: the whole localizer over a recording, judged. */
import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { openBag } from '../../bags/openBag.ts';
import type { BagSource } from '../../bags/BagSource.ts';
import type { DatasetProblem } from '../../datasets/GeotaggedImage.ts';
import { formatTimestamp } from '../../datasets/timestamps.ts';
import { NetvladError } from '../../errors.ts';
import { createDatum } from '../../geo/LocalDatum.ts';
import { makeFolder } from '../../makeFolder.ts';
import { createLocalizer } from '../../localization/createLocalizer.ts';
import type { PlaceCalibration } from '../../localization/PlaceCalibration.ts';
import { checkTruth } from '../../evaluation/replay/checkTruth.ts';
import {
  judgeReplay,
  summarizeTimings,
  type ReplayCriterion,
  type ReplayJudgement,
} from '../../evaluation/replay/judgeReplay.ts';
import { openInputs, unique, type OpenedInputs } from '../../evaluation/replay/openInputs.ts';
import { replayAll, replayPaced } from '../../evaluation/replay/replayBag.ts';
import type { ReplayFrame } from '../../evaluation/replay/ReplayFrame.ts';
import type { OnnxDescriptorModel } from '../../inference/OnnxDescriptorModel.ts';
import { EnginePool } from '../../recognition/EnginePool.ts';
import { openEngine } from '../../recognition/openEngine.ts';
import type { PlaceRecognizer } from '../../recognition/PlaceRecognizer.ts';
import type { EngineConfig, EngineFacts, RecognitionEngine } from '../../recognition/RecognitionEngine.ts';
import { WorkerRecognizer } from '../../recognition/WorkerRecognizer.ts';
import { toLocalizerOptions, type ParameterValues } from '../../ros/parameters.ts';
import { formatReplay } from '../formatReplay.ts';
import { addModelOptions, openModelFromFlags, toProviders, type ModelFlags } from '../modelOptions.ts';
import { parseInteger, parsePositiveNumber } from '../optionValues.ts';
import { openResults } from '../replay/openResults.ts';
import { readNodeParameters } from '../replay/readNodeParameters.ts';
import type { ResultsRecording } from '../replay/ResultsRecording.ts';
import { writeReplayReport, type ReplayRunResults } from '../replay/writeReplayReport.ts';
import { runCommand, type CommandContext } from '../runCommand.ts';

interface ReplayFlags extends ModelFlags {
  readonly map: string;
  readonly params?: string;
  readonly report?: string;
  readonly out?: string;
  readonly withInputs?: boolean;
  readonly debugImage?: boolean;
  readonly speed?: number;
  readonly groundTruth?: string;
  readonly radius?: number;
  readonly frames?: number;
  readonly imageTopic?: string;
  readonly odomTopic?: string;
  readonly fixTopic?: string;
  readonly verify?: number;
  readonly json?: boolean;
}

/** The parameters that decide what comes out; others are about the node's surroundings. */
const DECISIVE: readonly RegExp[] = [
  /^(top_k|verify_top_k|index|use_odometry|use_fix|odometry_tolerance|map_frame|base_frame)$/,
  /^(accept|keep|off_map)_probability$/,
  /^(place_radius|place_radius_steps|heading_tolerance|max_speed|max_steps_per_frame|odometry_noise|max_gap)$/,
  /^(frame_weight|max_hypotheses|sequence_filter)$/,
];

/** A damaged database loses messages one by one. */
const MOST_WARNINGS = 20;

function toEngineConfig(flags: ReplayFlags, values: ParameterValues): EngineConfig {
  return {
    model: flags.model ?? values.model,
    map: flags.map,
    providers: flags.provider === 'cuda' ? toProviders(flags) : (values.providers as EngineConfig['providers']),
    threads: flags.threads ?? values.inference_threads,
    index: values.index as EngineConfig['index'],
    verifyTopK: values.verify_top_k,
    createMap: false,
  };
}

/** Before the work: results must not go over the recording that they are of, and the report's folder must be one. */
async function assertWritable(path: string, { out, report }: ReplayFlags): Promise<void> {
  const target = out === undefined ? null : await realpath(out).catch(() => null);
  if (target !== null && target === (await realpath(path).catch(() => null))) {
    throw new NetvladError('usage', `--out ${out!} is the recording itself.`, {
      hint: 'Give the results another name.',
    });
  }
  if (report !== undefined) await makeFolder(report);
}

async function replay(path: string, flags: ReplayFlags, context: CommandContext): Promise<void> {
  await assertWritable(path, flags);
  const given = await readNodeParameters(flags.params);
  const values = flags.verify === undefined ? given : { ...given, verify_top_k: flags.verify };
  const bag = await openBag(path);
  try {
    const config = toEngineConfig(flags, values);
    const recognition = await openRecognition(config, flags);
    try {
      await new ReplayRun({ bag, ...recognition, values, flags, context }).run();
    } finally {
      await recognition.recognizer.dispose();
    }
  } finally {
    await bag.close();
  }
}

interface Recognition {
  readonly recognizer: PlaceRecognizer;
  readonly facts: EngineFacts;
  /** Draws the debug images of --out; null = there are none. */
  readonly painter: RecognitionEngine | null;
  /** Images under way at once. */
  readonly ahead: number;
}

async function openRecognition(config: EngineConfig, flags: ReplayFlags): Promise<Recognition> {
  const wantsPictures = flags.out !== undefined && flags.debugImage !== false;
  if (flags.speed === undefined && !wantsPictures) {
    const pool = await EnginePool.open(config);
    return { recognizer: pool, facts: pool.facts, painter: null, ahead: pool.ahead };
  }
  // A paced run needs the clock of this thread while the network is at work; a picture the frame that was recognized last.
  const engine =
    flags.speed === undefined ? await openEngine({ ...config, throughput: true }) : await WorkerRecognizer.open(config);
  return { recognizer: engine, facts: engine.facts, painter: wantsPictures ? engine : null, ahead: 1 };
}

interface RunParts extends Recognition {
  readonly bag: BagSource;
  readonly values: ParameterValues;
  readonly flags: ReplayFlags;
  readonly context: CommandContext;
}

class ReplayRun {
  readonly #parts: RunParts;
  readonly #frames: ReplayFrame[] = [];
  readonly #problems: DatasetProblem[] = [];

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { flags, context } = this.#parts;
    const opened = await this.#openInputs();
    this.#problems.push(...opened.problems);
    const started = performance.now();
    await this.#drive(opened);
    const timings = summarizeTimings(this.#frames, {
      ...{ wallS: (performance.now() - started) / 1000, speed: flags.speed ?? null },
      imagesAtOnce: this.#parts.ahead,
    });
    const judgement = this.#judge(opened);
    if (flags.report !== undefined) await this.#writeReport(flags.report, { opened, judgement, timings });
    this.#warn(judgement.document.problems);
    this.#warnOfTruth(opened, judgement);
    context.output({ ...judgement.document, timings }, formatReplay(judgement.document, timings));
  }

  #openInputs(): Promise<OpenedInputs> {
    const { bag, facts, values, flags } = this.#parts;
    const { datum } = facts.map;
    return openInputs(bag, {
      topics: {
        ...{ image: flags.imageTopic, odometry: flags.odomTopic, fix: flags.fixTopic },
        groundTruth: flags.groundTruth,
      },
      ...{ useOdometry: values.use_odometry, useFix: values.use_fix, toleranceS: values.odometry_tolerance },
      ...{ baseFrame: values.base_frame, datum: datum === null ? null : createDatum(datum) },
    });
  }

  async #drive(opened: OpenedInputs): Promise<void> {
    const { inputs, image } = opened;
    const { recognizer, facts, ahead, values, flags, context } = this.#parts;
    const { map } = facts;
    const { places, datum } = map;
    const calibration = map.calibration as PlaceCalibration | null;
    const localizer = createLocalizer({ places, datum, calibration, options: toLocalizerOptions(values) });
    const results = flags.out === undefined ? null : await this.#openResults(flags.out, opened);
    const progress = context.progress('replay');
    const events = {
      onFrame: async (frame: ReplayFrame) => {
        this.#frames.push(frame);
        await results?.write(frame);
        progress.update(
          this.#frames.length,
          image.messageCount,
          frame.kind === 'processed' ? frame.decision.state : '',
        );
      },
      onProblem: (problem: DatasetProblem) => {
        this.#problems.push(problem);
      },
      signal: context.signal,
    };
    try {
      const tools = { recognizer, localizer, topK: values.top_k, ahead };
      if (flags.speed === undefined) await replayAll(inputs, tools, events);
      else await replayPaced(inputs, tools, { ...events, speed: flags.speed });
      this.#assertProcessed(image.name);
      await results?.close();
      progress.finish();
    } finally {
      await results?.abandon();
    }
  }

  #openResults(path: string, opened: OpenedInputs): Promise<ResultsRecording> {
    const { bag, facts, painter, values, flags } = this.#parts;
    const onProblem = (problem: DatasetProblem): void => {
      this.#problems.push(problem);
    };
    return openResults(path, {
      ...{ bag, facts, painter, values, opened, onProblem },
      ...{ radiusM: flags.radius ?? values.ground_truth_radius, withInputs: flags.withInputs === true },
    });
  }

  /** A judgement of nothing is none. */
  #assertProcessed(topic: string): void {
    if (this.#frames.some(({ kind }) => kind === 'processed')) return;
    const rejected = this.#frames.find((frame) => frame.kind === 'rejected');
    const [first] = this.#problems;
    const damage = first === undefined ? 'there is none' : `${first.where}: ${first.problem}`;
    const why =
      rejected === undefined
        ? damage
        : `all ${this.#frames.length} are unusable, the first: ${rejected.problem.message}`;
    throw new NetvladError('bad-input', `No image of ${topic} in ${this.#parts.bag.path} could be read: ${why}`);
  }

  /** What was read, and where it stopped. */
  #warn(problems: readonly DatasetProblem[]): void {
    const { logger } = this.#parts.context;
    const last = this.#frames.at(-1);
    if (problems.length === 0 || last === undefined) return;
    const until = `${formatTimestamp(last.logTimeNs)} s`;
    logger.warn(
      `${this.#frames.length} images were read, the last recorded at ${until}; not all of the recording could be:`,
    );
    for (const { where, problem } of problems.slice(0, MOST_WARNINGS)) logger.warn(`${where}: ${problem}`);
    const more = problems.length - MOST_WARNINGS;
    if (more > 0) logger.warn(`and ${more} more; --json and report.json name them all.`);
  }

  #warnOfTruth({ truth }: OpenedInputs, { document }: ReplayJudgement): void {
    const { facts, context } = this.#parts;
    const problem = truth === null ? null : checkTruth(document, this.#frames, { truth, datum: facts.map.datum });
    if (problem !== null) context.logger.warn(problem);
  }

  #judge({ image, odometryTopic, fixTopic, truth }: OpenedInputs): ReplayJudgement {
    const { bag, facts, values } = this.#parts;
    const { map, model } = facts;
    const settings = Object.entries(values).filter(([name]) => DECISIVE.some((pattern) => pattern.test(name)));
    return judgeReplay(this.#frames, {
      recording: {
        ...{ path: basename(bag.path), description: bag.description, imageTopic: image.name },
        ...{ odometryTopic, fixTopic, groundTruth: truth?.description ?? null },
      },
      model: { name: model.name, sha256: model.sha256 },
      map: { path: basename(map.path), id: map.id, places: map.places.length },
      settings: Object.fromEntries(settings),
      places: map.places,
      criterion: this.#criterion(truth !== null),
      problems: unique(this.#problems),
    });
  }

  #writeReport(folder: string, run: Pick<ReplayRunResults, 'opened' | 'judgement' | 'timings'>): Promise<void> {
    const { bag, facts, values, flags, context } = this.#parts;
    const openModel = (): Promise<OnnxDescriptorModel> => {
      const path = flags.model ?? values.model;
      return openModelFromFlags({ ...flags, ...(path === '' ? {} : { model: path }) }, context.logger);
    };
    return writeReplayReport(folder, {
      ...{ bag, map: facts.map, frames: this.#frames, ...run },
      ...{ criterion: this.#criterion(run.opened.truth !== null), verifyTopK: values.verify_top_k, openModel },
    });
  }

  #criterion(hasTruth: boolean): ReplayCriterion | null {
    const { flags, values } = this.#parts;
    if (flags.frames !== undefined) return { kind: 'frames', frames: flags.frames };
    return hasTruth ? { kind: 'radius', radiusM: flags.radius ?? values.ground_truth_radius } : null;
  }
}

export function registerReplayCommand(program: Command): void {
  addModelOptions(program.command('replay'))
    .description('Run the whole localizer over a recording, with the parameters of the node, and judge it.')
    .argument('<bag>', 'recording: .mcap, rosbag2 folder, .db3 or ROS 1 .bag')
    .requiredOption('--map <file>', 'map file (*.vprmap)')
    .option('--params <file.yaml>', "the node's parameter file (section localizer or /**)")
    .option('--report <folder>', 'write report.html, report.json, frames.csv, trajectory.tum, timings.json')
    .option('--out <path>', "write the results on the node's own topics: file.mcap, or a new rosbag2 folder")
    .option('--with-inputs', 'copy camera, odometry, fix, truth and tf of the recording into --out')
    .option('--no-debug-image', 'leave the debug image out of --out: smaller, and several times faster')
    .option('--speed <x>', 'at x times the recorded pace, dropping images as the node would', parsePositiveNumber)
    .option(
      '--ground-truth <what>',
      'true positions: a topic of the recording, a TUM file (.txt, .tum), a CSV, another recording, or none (default: /ground_truth)',
    )
    .option('--radius <m>', 'right = within so many metres (default: ground_truth_radius)', parsePositiveNumber)
    .option('--frames <n>', 'right = at most so many frames away in the order of the images', parseInteger(0))
    .option('--image-topic <name>', 'camera topic (default: the only one)')
    .option('--odom-topic <name>', 'odometry topic, or none (default: the only one)')
    .option('--fix-topic <name>', 'NavSatFix topic used as a position prior, or none (default: the only one)')
    .option('--verify <k>', 'spatially verify the best K candidates; 0 = off (default: verify_top_k)', parseInteger(0))
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The recording is read as fast as the machine can; nothing is dropped, and the same recording gives the same report.json.
With --speed 1 images come at the recorded pace and are overtaken as in the node; the report then tells the latency.

  netvlad replay drive.mcap --map city.vprmap --report out/drive --out out/drive.mcap
  netvlad replay drive.bag --map city.vprmap --params localizer.yaml --ground-truth /gps/fix`,
    )
    .action((path: string, flags: ReplayFlags) => runCommand(flags, (context) => replay(path, flags, context)));
}
