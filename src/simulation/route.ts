/** @file Which way the camera car goes: a walk over the crossings that comes back to streets it knows. */
import type { Random } from '../math/random.ts';
import { computeCornerCutM } from './Path.ts';
import { distance } from './planar.ts';
import type { TownPlan } from './TownPlan.ts';

/** Crossings by column and row of the inner grid, (columns + 1) x (rows + 1). */
interface Crossing {
  readonly column: number;
  readonly row: number;
}

/** The easternmost streets belong to no first traverse: they are where a later drive leaves the map. */
function lastMappedColumn(plan: TownPlan): number {
  return plan.columns - 1;
}

function nodeOf(plan: TownPlan, { column, row }: Crossing): number {
  return (row + 1) * (plan.columns + 3) + column + 1;
}

function neighbours(plan: TownPlan, { column, row }: Crossing): Crossing[] {
  const around = [
    { column: column + 1, row },
    { column: column - 1, row },
    { column, row: row + 1 },
    { column, row: row - 1 },
  ];
  return around.filter((c) => c.column >= 0 && c.row >= 0 && c.column <= lastMappedColumn(plan) && c.row <= plan.rows);
}

/** The streets are this much longer than the drive. Its corners are cut: where that takes more, streets are added. */
const SPARE_M = 40;

/** How many walks are tried for one that passes the eastern edge in its middle. */
const TRIES = 24;

/**
 * Crossings of a drive whose line with its rounded corners has at least `lengthM`. A street is driven in one direction only,
 * the one of its first visit, so that coming back means seeing the same again; new streets are preferred while there are any.
 * Somewhere in the middle the drive follows the eastern edge of the mapped town, where `addExcursion` can leave it.
 */
export function planRoute(plan: TownPlan, lengthM: number, random: Random): number[] {
  let best: number[] = [];
  let bestDistance = Infinity;
  for (let i = 0; i < TRIES; i++) {
    const route = walk(plan, lengthM, random);
    const off = Math.min(...findEdgeLegs(plan, route).map((leg) => Math.abs((leg + 0.5) / (route.length - 1) - 0.5)));
    if (off < bestDistance || best.length === 0) [best, bestDistance] = [route, off];
    if (bestDistance < 0.12) break;
  }
  return best;
}

/** Legs along the eastern edge of the mapped town. */
function findEdgeLegs(plan: TownPlan, route: readonly number[]): number[] {
  const stride = plan.columns + 3;
  const isEdge = (node: number): boolean => node % stride === lastMappedColumn(plan) + 1;
  return route.flatMap((node, i) => (i + 1 < route.length && isEdge(node) && isEdge(route[i + 1]!) ? [i] : []));
}

function walk(plan: TownPlan, lengthM: number, random: Random): number[] {
  const start: Crossing = { column: random.int(lastMappedColumn(plan) + 1), row: random.int(plan.rows) };
  let here: Crossing = { column: start.column, row: start.row + 1 };
  let before: Crossing = start;
  const route = [nodeOf(plan, start), nodeOf(plan, here)];
  const visits = new Map([[`${route[0]!} ${route[1]!}`, 1]]);
  let streetsM = distance(plan.nodes[route[0]!]!, plan.nodes[route[1]!]!);
  let cutM = 0;
  while (streetsM < lengthM + SPARE_M || streetsM - cutM < lengthM) {
    const from = nodeOf(plan, here);
    const options = neighbours(plan, here)
      .filter((c) => c.column !== before.column || c.row !== before.row)
      .map((crossing) => {
        const to = nodeOf(plan, crossing);
        const against = visits.get(`${to} ${from}`) ?? 0;
        const along = visits.get(`${from} ${to}`) ?? 0;
        return { crossing, to, cost: against * 100 + along * 3 + random.next() };
      })
      .sort((a, b) => a.cost - b.cost);
    const next = options[0]!;
    visits.set(`${from} ${next.to}`, (visits.get(`${from} ${next.to}`) ?? 0) + 1);
    streetsM += distance(plan.nodes[from]!, plan.nodes[next.to]!);
    cutM += computeCornerCutM(plan.nodes[route.at(-2)!]!, plan.nodes[from]!, plan.nodes[next.to]!);
    route.push(next.to);
    before = here;
    here = next.crossing;
  }
  return route;
}

/** The same route with one detour through the easternmost streets, which the first traverse never saw. */
export function addExcursion(plan: TownPlan, route: readonly number[]): { route: number[]; offMap: boolean[] } {
  const middle = (route.length - 2) / 2;
  const legs = findEdgeLegs(plan, route).filter((leg) => leg > 0 && leg < route.length - 2);
  const at = [...legs].sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
  if (at === undefined) return { route: [...route], offMap: route.slice(1).map(() => false) };
  const [leave, back] = [route[at]!, route[at + 1]!];
  return {
    route: [...route.slice(0, at + 1), leave + 1, back + 1, ...route.slice(at + 1)],
    offMap: [
      ...route.slice(0, at).map(() => false),
      ...[true, true, true],
      ...route.slice(at + 1, -1).map(() => false),
    ],
  };
}
