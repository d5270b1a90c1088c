/**
 * @file What a report shows, as plain data: `renderReport` turns it into one HTML page. Every part that a run has nothing
 * to say about is null or empty and does not appear. Fractions are 0..1, lengths metres, times milliseconds or seconds.
 */
import type { AcceptancePoint } from '../acceptance.ts';
import type { Reliability } from '../calibrationError.ts';
import type { Interval } from '../statistics.ts';
import type { LocalizationState } from '../../localization/Localizer.ts';

export interface ReportDocument {
  readonly title: string;
  /** One line below the title: what was judged against what. */
  readonly subtitle: string;
  /** The numbers that matter most, best first; four to eight. */
  readonly headline: readonly HeadlineNumber[];
  readonly recall: RecallChart | null;
  /** One curve for each quantity that an answer may be accepted by. */
  readonly acceptance: readonly AcceptanceChartCurve[];
  readonly reliability: Reliability | null;
  /** In order of time. */
  readonly errors: readonly ErrorPoint[];
  readonly trajectory: TrajectoryChart | null;
  /** Whatever changes along an axis: the loss and the recall of a training. */
  readonly curves?: readonly CurveChart[];
  readonly timings: readonly StageTiming[];
  /** What did not make it into the numbers, by reason: dropped frames, unusable images, unreadable parts of a recording. */
  readonly losses: readonly Loss[];
  readonly failures: readonly GalleryItem[];
  readonly successes: readonly GalleryItem[];
  /** Settings, identities of model and map, versions. */
  readonly facts: readonly FactGroup[];
}

export interface HeadlineNumber {
  readonly label: string;
  /** With its unit: `81.2 %`. */
  readonly value: string;
  /** A few words: `chance 0.4 %`. */
  readonly detail: string;
}

export interface RecallChart {
  /** What the fractions are of: `126 queries with a true match within 25 m`. */
  readonly note: string;
  /** In ascending n. */
  readonly points: readonly {
    readonly n: number;
    readonly recall: number;
    readonly interval95: Interval | null;
    /** Of a random guess. */
    readonly chance: number;
  }[];
}

export interface AcceptanceChartCurve {
  /** `similarity`, `geometric evidence`, `confidence`. */
  readonly by: string;
  /** Strongest first, as `computeAcceptanceCurve` gives them. */
  readonly points: readonly AcceptancePoint[];
}

export interface CurveChart {
  readonly title: string;
  readonly note: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
}

export interface ErrorPoint {
  /** Since the start of the run. */
  readonly seconds: number;
  readonly errorM: number;
  readonly state: LocalizationState;
  /** Names the frame in the tooltip. */
  readonly label: string;
}

export interface MapPoint {
  readonly x: number;
  readonly y: number;
}

export interface TrajectoryChart {
  /** Places of the map, metres in the map frame. */
  readonly places: readonly MapPoint[];
  /** Where the camera really was, in order. */
  readonly truth: readonly MapPoint[];
  /** Where the localizer put it: the pose when located, else the best hypothesis. */
  readonly estimates: readonly (MapPoint & { readonly state: LocalizationState; readonly label: string })[];
}

export interface StageTiming {
  readonly stage: string;
  readonly medianMs: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
}

export interface Loss {
  readonly reason: string;
  readonly count: number;
  /** Some of them, by name. */
  readonly examples: readonly string[];
}

/** A picture of at most a few hundred pixels a side, JPEG or PNG; null where there is none. */
export interface GalleryPicture {
  readonly bytes: Uint8Array | null;
  readonly name: string;
  /** `similarity 0.83 · 4.1 m`, units behind a no-break space. */
  readonly caption: string;
}

export interface GalleryMatch extends GalleryPicture {
  readonly isCorrect: boolean;
  /** Verified correspondences [xQuery, yQuery, xMatch, yMatch], fractions of width and height; null = not verified. */
  readonly inliers: readonly (readonly [number, number, number, number])[] | null;
}

export interface GalleryItem {
  readonly query: GalleryPicture;
  /** Best first. */
  readonly matches: readonly GalleryMatch[];
  /** The nearest database image that would have been right; null when it is among the matches or does not exist. */
  readonly nearestTrue: GalleryPicture | null;
}

export interface FactGroup {
  readonly title: string;
  readonly rows: readonly (readonly [name: string, value: string])[];
}
