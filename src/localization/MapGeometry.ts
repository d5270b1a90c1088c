/**
 * @file Where places lie to each other, for maps with and without positions.
 *
 * A map with positions is one plane of ENU metres. A map without is topological: every sequence is a line of its own, one
 * step between neighbours, and "metres" below reads "steps". Places of different planes or lines are infinitely far apart.
 */
import { median } from '../math/statistics.ts';
import { ChartGrid, type ChartPoint } from './ChartGrid.ts';
import { hasPosition, layOutCharts, type Charts, type Revisit } from './layOutCharts.ts';
import type { MapPlace } from './MapPlace.ts';

export interface MapGeometry extends Charts {
  readonly kind: 'metric' | 'topological';
  /** Rows in the order given; every number below is a row. */
  readonly places: readonly MapPlace[];
  /** Typical distance between neighbouring positions: metres, or 1 step. */
  readonly spacing: number;
  /** Matches within it are one place; also the acceptance radius of the gate. Metres or steps. */
  readonly placeRadius: number;
  rowOf(placeId: number): number | undefined;
  /** Place id of a row. */
  idOf(row: number): number;
  /** Infinity between charts. */
  distance(rowA: number, rowB: number): number;
  /** Calls `visit` for every row within `radius` of a point, in no particular order; stops when it returns false. */
  forEachWithin(centre: ChartPoint, radius: number, visit: (row: number, distance: number) => boolean): void;
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
  const rows = new Map(places.map(({ id }, row) => [id, row]));
  const charts = layOutCharts(places, { step: spacing, rows, revisits });
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
