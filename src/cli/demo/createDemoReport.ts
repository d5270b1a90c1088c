/** @file The page at the end of the demonstration: trajectory with matches, numbers, pairs of pictures. */
import type { GalleryItem, GalleryPicture, ReportDocument } from '../../evaluation/report/ReportDocument.ts';
import { computeReliability } from '../../evaluation/calibrationError.ts';
import { computeAcceptanceCurve } from '../../evaluation/acceptance.ts';
import { computeChance } from '../../evaluation/recall.ts';
import { computeBootstrapInterval } from '../../evaluation/statistics.ts';
import { describeCriterion } from '../../evaluation/truthCriterion.ts';
import { loadImage } from '../../image/decodeFrame.ts';
import { encodeThumbnail } from '../../image/encode.ts';
import { createRandom } from '../../math/random.ts';
import type { PlaceMap } from '../../map/PlaceMap.ts';
import { RECALL_NS, type DemoNumbers, type JudgedFrame } from './judgeAnswers.ts';
import type { DemoDrive } from './planDemoDrive.ts';
import { countOf } from '../../countOf.ts';

const PICTURE_SIDE = 320;
const SUCCESSES = 6;
const FAILURES = 6;
const MATCHES_SHOWN = 3;

export interface DemoRun {
  readonly title: string;
  readonly drive: DemoDrive;
  readonly map: PlaceMap;
  readonly frames: readonly JudgedFrame[];
  readonly numbers: DemoNumbers;
  readonly rate: number;
}

async function readPicture(path: string): Promise<Uint8Array | null> {
  const image = await loadImage(path);
  return 'kind' in image ? null : encodeThumbnail(image, PICTURE_SIDE);
}

function describeErrorM(errorM: number | null): string {
  return errorM === null ? '' : ` · ${errorM.toFixed(1)}\u00a0m`;
}

async function createGalleryItem(run: DemoRun, frame: JudgedFrame): Promise<GalleryItem> {
  const { drive, map } = run;
  const image = drive.images[frame.frame]!;
  const nearest = [...drive.truth[frame.frame]!][0];
  const picture = (row: number): Pick<GalleryPicture, 'bytes' | 'name'> => {
    const place = map.places[row]!;
    return { bytes: map.thumbnail(place.id), name: place.image };
  };
  const shown = frame.hypotheses.slice(0, MATCHES_SHOWN);
  return {
    query: {
      bytes: await readPicture(image.path),
      name: image.place.image,
      caption: `frame ${frame.frame + 1}, ${frame.state}`,
    },
    matches: shown.map((hypothesis) => ({
      ...picture(hypothesis.row),
      caption: `probability ${hypothesis.probability.toFixed(2)}${describeErrorM(hypothesis.errorM)}`,
      isCorrect: hypothesis.isRight,
      inliers: null,
    })),
    nearestTrue:
      nearest === undefined || shown.some(({ isRight }) => isRight)
        ? null
        : { ...picture(nearest), caption: 'should have been found' },
  };
}

function createTrajectory({ drive, map, frames }: DemoRun): ReportDocument['trajectory'] {
  if (!map.hasPositions) return null;
  return {
    places: map.places.flatMap(({ pose }) => (pose === null ? [] : [{ x: pose.x, y: pose.y }])),
    truth: drive.images.flatMap(({ place: { pose } }) => (pose === null ? [] : [{ x: pose.x, y: pose.y }])),
    estimates: frames.flatMap((frame) => {
      const at = frame.hypotheses[0]?.at ?? null;
      return at === null ? [] : [{ ...at, state: frame.state, label: `frame ${frame.frame + 1}` }];
    }),
  };
}

function createHeadline(numbers: DemoNumbers, criterion: string): ReportDocument['headline'] {
  const percent = (share: number): string => (Number.isNaN(share) ? '–' : `${(100 * share).toFixed(1)}\u00a0%`);
  const { recall, located, locatedRight } = numbers;
  const errors = Number.isFinite(numbers.medianErrorM)
    ? [
        {
          label: 'Median error',
          value: `${numbers.medianErrorM.toFixed(1)}\u00a0m`,
          detail: `90 % below ${numbers.p90ErrorM.toFixed(1)} m`,
        },
      ]
    : [];
  return [
    { label: 'Recall@1', value: percent(recall[1]!), detail: `${countOf(numbers.withTruth, 'frame')}, ${criterion}` },
    { label: 'Recall@5', value: percent(recall[5]!), detail: `@10 ${percent(recall[10]!)}` },
    ...errors,
    { label: 'Located', value: String(located), detail: `${percent(locatedRight / located)} of them right` },
    {
      label: 'Latency',
      value: `${numbers.medianLatencyMs.toFixed(0)}\u00a0ms`,
      detail: 'image published to hypotheses received',
    },
  ];
}

function judgeConfidence(frames: readonly JudgedFrame[]): Pick<ReportDocument, 'acceptance' | 'reliability'> {
  const answers = frames.flatMap(({ confidence, hypotheses }) => {
    const best = hypotheses[0];
    return best === undefined || !Number.isFinite(confidence) ? [] : [{ confidence, best }];
  });
  if (answers.length === 0) return { acceptance: [], reliability: null };
  const judged = answers.map(({ confidence, best }) => ({ confidence, strength: confidence, isCorrect: best.isRight }));
  return {
    acceptance: [{ by: 'confidence', points: computeAcceptanceCurve(judged) }],
    reliability: computeReliability(judged),
  };
}

export async function createDemoReport(run: DemoRun): Promise<ReportDocument> {
  const { drive, map, frames, numbers } = run;
  const criterion = describeCriterion(drive.criterion);
  const onMap = frames.filter(({ hasTruth }) => hasTruth);
  const right = onMap.filter(({ hypotheses }) => hypotheses[0]?.isRight === true);
  const wrong = onMap
    .filter(({ hypotheses }) => hypotheses[0]?.isRight !== true)
    .sort((a, b) => b.confidence - a.confidence);
  const random = createRandom(1);
  const sample = random
    .fork('gallery')
    .sample(right.length, SUCCESSES)
    .map((i) => right[i]!);
  const chance = computeChance(drive.truth, map.size, RECALL_NS);
  const first = frames[0];
  return {
    title: run.title,
    subtitle: `${countOf(drive.images.length, 'frame')} played at ${run.rate} Hz into the node over DDS, ${countOf(map.size, 'place')} in the map`,
    headline: createHeadline(numbers, criterion),
    recall: {
      note: `of ${numbers.withTruth} answered frames whose place is on the map, ${criterion}; hypotheses as published.`,
      points: RECALL_NS.map((n) => ({
        n,
        recall: numbers.recall[n]!,
        interval95: computeBootstrapInterval(
          onMap.map(({ hypotheses }) => (hypotheses.slice(0, n).some(({ isRight }) => isRight) ? 1 : 0)),
          random.fork(`recall ${n}`),
        ),
        chance: chance[n]!,
      })),
    },
    ...judgeConfidence(frames),
    errors: frames.flatMap(({ frame, state, hypotheses }) => {
      const errorM = hypotheses[0]?.errorM ?? null;
      if (errorM === null) return [];
      return [{ seconds: (frame - (first?.frame ?? 0)) / run.rate, errorM, state, label: `frame ${frame + 1}` }];
    }),
    trajectory: createTrajectory(run),
    timings: [],
    losses:
      numbers.played === numbers.answered
        ? []
        : [{ reason: 'overtaken by a newer frame', count: numbers.played - numbers.answered, examples: [] }],
    failures: await Promise.all(wrong.slice(0, FAILURES).map((frame) => createGalleryItem(run, frame))),
    successes: await Promise.all(sample.map((frame) => createGalleryItem(run, frame))),
    facts: [
      {
        title: 'Map',
        rows: [
          ['places', String(map.size)],
          ['model', map.manifest.model.name],
          ['sources', map.manifest.sources.map(({ description }) => description).join('; ')],
        ],
      },
    ],
  };
}
