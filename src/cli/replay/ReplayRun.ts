/** @file One replay: inputs opened, every image driven through, judged, written and told. */
import { basename } from 'node:path';
import type { BagSource } from '../../bags/BagSource.ts';
import type { DatasetProblem } from '../../datasets/GeotaggedImage.ts';
import { formatTimestamp } from '../../datasets/timestamps.ts';
import { NetvladError } from '../../errors.ts';
import { createDatum } from '../../geo/LocalDatum.ts';
import { createLocalizer } from '../../localization/createLocalizer.ts';
import type { PlaceCalibration } from '../../localization/PlaceCalibration.ts';
import { checkStamps } from '../../evaluation/replay/checkStamps.ts';
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
import type { PlaceRecognizer } from '../../recognition/PlaceRecognizer.ts';
import type { EngineFacts, RecognitionEngine } from '../../recognition/RecognitionEngine.ts';
import { toLocalizerOptions } from '../../ros/localizerParameters.ts';
import type { ParameterValues } from '../../ros/parameters.ts';
import { formatReplay } from '../formatReplay.ts';
import { openModelFromFlags, type ModelFlags } from '../modelOptions.ts';
import { openResults } from './openResults.ts';
import type { ResultsRecording } from './ResultsRecording.ts';
import { writeReplayReport, type ReplayRunResults } from './writeReplayReport.ts';
import type { CommandContext } from '../runCommand.ts';
import { countOf } from '../../countOf.ts';

export interface ReplayFlags extends ModelFlags {
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

/** What recognizes the images of a recording: one engine, or a pool of them. */
export interface ReplayEngine {
  readonly recognizer: PlaceRecognizer;
  readonly facts: EngineFacts;
  /** Draws the debug images of --out; null = there are none. */
  readonly painter: RecognitionEngine | null;
  /** Images under way at once. */
  readonly ahead: number;
}

export interface RunParts extends ReplayEngine {
  readonly bag: BagSource;
  readonly values: ParameterValues;
  readonly flags: ReplayFlags;
  readonly context: CommandContext;
}

export class ReplayRun {
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
    for (const oddity of checkStamps(this.#frames, opened.image.name)) context.logger.warn(oddity);
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
      `${countOf(this.#frames.length, 'image')} read, the last recorded at ${until}; the recording could not be read whole:`,
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
