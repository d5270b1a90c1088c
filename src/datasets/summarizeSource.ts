/** @file What is in a source: the facts behind `netvlad dataset info`. */
import { yawToCompass } from '../geo/angles.ts';
import {
  countLostImages,
  isDatasetProblem,
  type DatasetProblem,
  type GeotaggedImage,
  type GeotaggedImageSource,
} from './GeotaggedImage.ts';

/** Smallest and largest value; null where no image has one. */
export type Range = readonly [number, number] | null;

export interface SourceSummary {
  readonly description: string;
  readonly images: number;
  readonly problems: readonly DatasetProblem[];
  /** Images by value; those without one are counted under an empty name. */
  readonly roles: Readonly<Record<string, number>>;
  readonly conditions: Readonly<Record<string, number>>;
  readonly sequences: number;
  readonly places: number;
  /** Images that have it. */
  readonly withGeo: number;
  readonly withLocal: number;
  readonly withHeading: number;
  readonly withStamp: number;
  readonly latDeg: Range;
  readonly lonDeg: Range;
  readonly xM: Range;
  readonly yM: Range;
  readonly headingDeg: Range;
}

function rangeOf(values: readonly (number | null | undefined)[]): Range {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : null;
}

function countBy(images: readonly GeotaggedImage[], key: 'role' | 'condition'): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const image of images) counts[image[key] ?? ''] = (counts[image[key] ?? ''] ?? 0) + 1;
  return counts;
}

/** Reads a source to its end, without the pixels. */
export async function summarizeSource(source: GeotaggedImageSource, signal?: AbortSignal): Promise<SourceSummary> {
  const images: GeotaggedImage[] = [];
  const problems: DatasetProblem[] = [];
  for await (const item of source) {
    signal?.throwIfAborted();
    if (isDatasetProblem(item)) problems.push(item);
    else images.push({ ...item, content: { kind: 'file', path: '' } }); // pixels of recordings are not held
  }
  const distinct = (values: readonly (string | null)[]): number =>
    new Set(values.filter((value) => value !== null)).size;
  return {
    description: source.description,
    images: images.length,
    problems,
    roles: countBy(images, 'role'),
    conditions: countBy(images, 'condition'),
    sequences: distinct(images.map(({ sequence }) => sequence)),
    places: distinct(images.map(({ place }) => place)),
    withGeo: images.filter(({ geo }) => geo !== null).length,
    withLocal: images.filter(({ local }) => local !== null).length,
    withHeading: images.filter(({ yawRad }) => yawRad !== null).length,
    withStamp: images.filter(({ stampNs }) => stampNs !== null).length,
    latDeg: rangeOf(images.map(({ geo }) => geo?.latDeg)),
    lonDeg: rangeOf(images.map(({ geo }) => geo?.lonDeg)),
    xM: rangeOf(images.map(({ local }) => local?.x)),
    yM: rangeOf(images.map(({ local }) => local?.y)),
    headingDeg: rangeOf(images.map(({ yawRad }) => (yawRad === null ? null : yawToCompass(yawRad)))),
  };
}

const LISTED_PROBLEMS = 10;

/** The summary as text for people. */
export function formatSourceSummary(summary: SourceSummary): string {
  const span = (name: string, range: Range, digits: number): string =>
    range === null ? '' : `  ${name} ${range[0].toFixed(digits)} .. ${range[1].toFixed(digits)}`;
  const counts = (values: Readonly<Record<string, number>>): string =>
    Object.entries(values)
      .map(([name, count]) => `${name || '(none)'} ${count}`)
      .join(', ');
  const { images, problems } = summary;
  return [
    summary.description,
    `images      ${images}, unusable ${countLostImages(problems)}`,
    `roles       ${counts(summary.roles)}`,
    `conditions  ${counts(summary.conditions)}`,
    `sequences   ${summary.sequences}, places ${summary.places}`,
    `geodetic    ${summary.withGeo} of ${images}${span('lat', summary.latDeg, 6)}${span('lon', summary.lonDeg, 6)}`,
    `local       ${summary.withLocal} of ${images}${span('x', summary.xM, 1)}${span('y', summary.yM, 1)}`,
    `heading     ${summary.withHeading} of ${images}${span('compass', summary.headingDeg, 0)}`,
    `timestamp   ${summary.withStamp} of ${images}`,
    ...problems.slice(0, LISTED_PROBLEMS).map(({ where, problem }) => `problem     ${where}: ${problem}`),
    ...(problems.length > LISTED_PROBLEMS ? [`            and ${problems.length - LISTED_PROBLEMS} more`] : []),
  ].join('\n');
}
