/**
 * @file Where places lie to each other, for maps with and without positions.
 *
 * A map with positions is one plane of ENU metres. A map without is topological: every sequence is a line of its own, one
 * step between neighbours, and "metres" below reads "steps". Places of different planes or lines are infinitely far apart.
 */
import { hasHeading, yawOf } from '../geo/poseAlgebra.ts';
import { median } from '../math/statistics.ts';
import type { MapPlace } from './MapPlace.ts';

export interface MapGeometry {
  readonly kind: 'metric' | 'topological';
  /** Rows in the order given; every number below is a row. */
  readonly places: readonly MapPlace[];
  /** Typical distance between neighbouring positions: metres, or 1 step. */
  readonly spacing: number;
  /** Matches within it are one place; also the acceptance radius of the gate. Metres or steps. */
  readonly placeRadius: number;
  /** Plane or line that a row lies on. */
  readonly chart: Int32Array;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** ENU radians, NaN = unknown. */
  readonly yaw: Float64Array;
  /** Order of the moment within its sequence; rows of equal moments were taken at once. */
  readonly moment: Int32Array;
  rowOf(placeId: number): number | undefined;
  /** Place id of a row. */
  idOf(row: number): number;
  /** Infinity between charts. */
  distance(rowA: number, rowB: number): number;
  /** Calls `visit` for every row within `radius` of a point, in no particular order; stops when it returns false. */
  forEachWithin(centre: ChartPoint, radius: number, visit: (row: number, distance: number) => boolean): void;
}

export interface ChartPoint {
  readonly chart: number;
  readonly x: number;
  readonly y: number;
}

export interface MapGeometryOptions {
  /** Metres; 0 = from the map: 2.5 times its spacing, at least 2 m, at most 25 m. */
  readonly placeRadiusM: number;
  /** Steps, for places without positions. */
  readonly placeRadiusSteps: number;
}

/** Row pairs closer than this are one position (a panorama, a robot that stands). */
const SAME_POSITION_M = 0.1;
const SPACING_SAMPLE = 400;

/** A place and an earlier one that it shows again, by their ids. */
export type Revisit = readonly [later: number, earlier: number];

/** `revisits` lay later laps of a sequence without positions over the first one. */
export function createMapGeometry(
  places: readonly MapPlace[],
  options: MapGeometryOptions,
  revisits: readonly Revisit[] = [],
): MapGeometry {
  const metric = places.some(hasPosition);
  const spacing = metric ? estimateSpacing(places) : 1;
  const automaticM = Math.min(25, Math.max(2, 2.5 * spacing));
  const metricRadius = options.placeRadiusM > 0 ? options.placeRadiusM : automaticM;
  const placeRadius = metric ? metricRadius : options.placeRadiusSteps;
  const charts = layOut(places, metric ? spacing : 1);
  const rows = new Map(places.map(({ id }, row) => [id, row]));
  layLapsOver(places, charts, { rows, revisits, step: metric ? spacing : 1 });
  const grid = new ChartGrid(charts, placeRadius);
  return {
    kind: metric ? 'metric' : 'topological',
    places,
    spacing,
    placeRadius,
    ...charts,
    rowOf: (placeId) => rows.get(placeId),
    idOf: (row) => places[row]!.id,
    distance: (a, b) =>
      charts.chart[a] === charts.chart[b]
        ? Math.hypot(charts.x[a]! - charts.x[b]!, charts.y[a]! - charts.y[b]!)
        : Number.POSITIVE_INFINITY,
    forEachWithin: (centre, radius, visit) => {
      grid.forEachWithin(centre, radius, visit);
    },
  };
}

export function pointOf(geometry: MapGeometry, row: number): ChartPoint {
  return { chart: geometry.chart[row]!, x: geometry.x[row]!, y: geometry.y[row]! };
}

/** Farther than the other side of the earth is no position. */
const FARTHEST_M = 2e7;

function hasPosition({ pose }: MapPlace): boolean {
  return pose !== null && Math.abs(pose.x) <= FARTHEST_M && Math.abs(pose.y) <= FARTHEST_M;
}

interface Charts {
  readonly chart: Int32Array;
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly yaw: Float64Array;
  readonly moment: Int32Array;
}

function layOut(places: readonly MapPlace[], step: number): Charts {
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
function layLapsOver(
  places: readonly MapPlace[],
  charts: Charts,
  given: {
    readonly rows: ReadonlyMap<number, number>;
    readonly revisits: readonly Revisit[];
    readonly step: number;
  },
): void {
  const { rows, revisits, step } = given;
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

/** Median distance to the nearest other position, over a spread sample; 1 m when there is only one position. */
function estimateSpacing(places: readonly MapPlace[]): number {
  const positions = places.flatMap((place) => (hasPosition(place) ? [place.pose!] : []));
  const stride = Math.max(1, Math.floor(positions.length / SPACING_SAMPLE));
  const nearest: number[] = [];
  for (let i = 0; i < positions.length; i += stride) {
    const here = positions[i]!;
    let best = Number.POSITIVE_INFINITY;
    for (const there of positions) {
      const distance = Math.hypot(there.x - here.x, there.y - here.y);
      if (distance > SAME_POSITION_M && distance < best) best = distance;
    }
    if (Number.isFinite(best)) nearest.push(best);
  }
  return nearest.length === 0 ? 1 : median(nearest);
}

/** Cells are numbered -HALF..HALF-1 on each axis: 5,000 km of 5 m cells. */
const HALF = 2 ** 20;

/** Rows by square cells of one place radius. */
class ChartGrid {
  readonly #charts: Charts;
  readonly #cell: number;
  /** One map of cells a chart. */
  readonly #cells = new Map<number, Map<number, number[]>>();

  constructor(charts: Charts, cell: number) {
    this.#charts = charts;
    this.#cell = cell;
    for (let row = 0; row < charts.x.length; row++) {
      const cells = this.#cells.get(charts.chart[row]!) ?? new Map<number, number[]>();
      this.#cells.set(charts.chart[row]!, cells);
      const key = toKey(this.#index(charts.x[row]!), this.#index(charts.y[row]!));
      const rows = cells.get(key);
      if (rows === undefined) cells.set(key, [row]);
      else rows.push(row);
    }
  }

  forEachWithin(centre: ChartPoint, radius: number, visit: (row: number, distance: number) => boolean): void {
    const { chart, x, y } = this.#charts;
    const inside = (row: number): boolean => {
      const distance = Math.hypot(x[row]! - centre.x, y[row]! - centre.y);
      return chart[row] !== centre.chart || !(distance <= radius) || visit(row, distance);
    };
    const [left, right] = [this.#index(centre.x - radius), this.#index(centre.x + radius)];
    const [low, high] = [this.#index(centre.y - radius), this.#index(centre.y + radius)];
    const isNumbered = left >= -HALF && low >= -HALF && right < HALF && high < HALF;
    // A disc of more cells than rows, or one so far out that its cells have no numbers, is cheaper row by row.
    if (!isNumbered || (right - left + 1) * (high - low + 1) > Math.max(9, x.length)) {
      for (let row = 0; row < x.length; row++) if (!inside(row)) return;
      return;
    }
    const cells = this.#cells.get(centre.chart);
    for (let i = left; cells !== undefined && i <= right; i++) {
      for (let j = low; j <= high; j++) {
        const rows = cells.get(toKey(i, j));
        if (rows !== undefined && !rows.every(inside)) return;
      }
    }
  }

  #index(coordinate: number): number {
    return Math.floor(coordinate / this.#cell);
  }
}

/** Rows beyond the numbered cells share keys with others; they are told apart by distance. */
function toKey(i: number, j: number): number {
  return (i + HALF) * 2 * HALF + (j + HALF);
}
