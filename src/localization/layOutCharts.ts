/**
 * @file Lays places out: those with positions on one plane, each sequence of the others on a line of its own, later laps of it
 * over the first one.
 */
import { hasHeading, yawOf } from '../geo/poseAlgebra.ts';
import type { MapPlace } from './MapPlace.ts';

/** A place and an earlier one that it shows again, by their ids. */
export type Revisit = readonly [later: number, earlier: number];

/** Farther than the other side of the earth is no position. */
const FARTHEST_M = 2e7;

export function hasPosition({ pose }: MapPlace): boolean {
  return pose !== null && Math.abs(pose.x) <= FARTHEST_M && Math.abs(pose.y) <= FARTHEST_M;
}

/** Where each row lies. */
export interface Charts {
  /** Plane (0) or line. */
  readonly chart: Int32Array;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** ENU radians, NaN = unknown. */
  readonly yaw: Float64Array;
  /** Order of the moment within its sequence; rows of equal moments were taken at once. */
  readonly moment: Int32Array;
}

/** How places without positions are laid out. */
export interface ChartLayout {
  /** From one moment to the next. */
  readonly step: number;
  /** Place id -> row. */
  readonly rows: ReadonlyMap<number, number>;
  readonly revisits: readonly Revisit[];
}

export function layOutCharts(places: readonly MapPlace[], layout: ChartLayout): Charts {
  const charts = layOutSequences(places, layout.step);
  layLapsOver(places, charts, layout);
  return charts;
}

function layOutSequences(places: readonly MapPlace[], step: number): Charts {
  const n = places.length;
  const charts: Charts = {
    chart: new Int32Array(n),
    x: new Float64Array(n),
    y: new Float64Array(n),
    yaw: new Float64Array(n).fill(Number.NaN),
    moment: new Int32Array(n),
  };
  const sequences = new Map<string | null, number[]>();
  places.forEach((place, row) => {
    const sequence = sequences.get(place.sequence);
    if (sequence === undefined) sequences.set(place.sequence, [row]);
    else sequence.push(row);
  });
  let chart = 1; // 0 is the plane
  for (const rows of sequences.values()) {
    orderMoments(places, rows, charts.moment);
    for (const row of rows) layPlace(places[row]!, row, { charts, chart, step });
    chart++;
  }
  return charts;
}

function layPlace(
  place: MapPlace,
  row: number,
  { charts, chart, step }: { readonly charts: Charts; readonly chart: number; readonly step: number },
): void {
  if (!hasPosition(place)) {
    charts.chart[row] = chart;
    charts.x[row] = charts.moment[row]! * step;
    return;
  }
  charts.x[row] = place.pose!.x;
  charts.y[row] = place.pose!.y;
  if (hasHeading(place.pose!)) charts.yaw[row] = yawOf(place.pose!);
}

/** Revisits at most this many moments apart belong to one lap: what lies between them lies between their places. */
const WITHIN_LAP = 10;

/** Moves places without positions to where their sequence was before; a lap may run the other way round. */
function layLapsOver(places: readonly MapPlace[], charts: Charts, { rows, revisits, step }: ChartLayout): void {
  const links = revisits
    .flatMap(([later, earlier]) => {
      const [from, to] = [rows.get(later), rows.get(earlier)];
      return from === undefined || to === undefined || charts.chart[from] === 0 ? [] : [{ from, to }];
    })
    .filter(({ from, to }) => charts.chart[from] === charts.chart[to])
    .sort((a, b) => charts.moment[a.from]! - charts.moment[b.from]!);
  for (const { from, to } of links) charts.x[from] = charts.x[to]!;
  for (const [index, { from: end }] of links.entries()) {
    const start = links[index - 1]?.from;
    if (start === undefined || charts.chart[start] !== charts.chart[end]) continue;
    const moments = charts.moment[end]! - charts.moment[start]!;
    // A lap that ends between them jumps from the last place of the first one to its beginning.
    const isJump = Math.abs(charts.x[end]! - charts.x[start]!) > 2 * step * moments;
    if (moments > WITHIN_LAP || isJump) continue;
    for (let row = 0; row < places.length; row++) {
      const share = (charts.moment[row]! - charts.moment[start]!) / moments;
      if (charts.chart[row] !== charts.chart[end] || !(share > 0 && share < 1)) continue;
      charts.x[row] = charts.x[start]! + share * (charts.x[end]! - charts.x[start]!);
    }
  }
}

/** Numbers a sequence by stamp, else by frame, where all are known, by place id otherwise; equal ones share a moment. */
function orderMoments(places: readonly MapPlace[], rows: readonly number[], moment: Int32Array): void {
  const stamped = rows.every((row) => places[row]!.stampNs !== null);
  const numbered = rows.every((row) => places[row]!.frame !== null);
  const orderOf = (row: number): bigint | number => {
    const place = places[row]!;
    return stamped ? place.stampNs! : numbered ? place.frame! : place.id;
  };
  const compare = (a: number, b: number): number => {
    const [first, second] = [orderOf(a), orderOf(b)];
    return first < second ? -1 : first > second ? 1 : places[a]!.id - places[b]!.id;
  };
  let current = -1;
  let previous: bigint | number | null = null;
  for (const row of [...rows].sort(compare)) {
    const order = orderOf(row);
    if (order !== previous) current++;
    previous = order;
    moment[row] = current;
  }
}
