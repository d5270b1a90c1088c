/** @file Which way every traverse of a data set goes, with its exact poses and the names of its places; pure. */
import type { GeoPoint } from '../geo/Pose.ts';
import { createRandom } from '../math/random.ts';
import type { ConditionName } from './conditions.ts';
import { planDrive, type DriveFrame } from './drive.ts';
import { Path } from './Path.ts';
import { addExcursion, planRoute } from './route.ts';
import { planTown, type TownPlan, type TownSettings } from './TownPlan.ts';

export interface SimulationSettings {
  readonly seed: number;
  /** Of each traverse. */
  readonly frames: number;
  /** One traverse each; the first is the database. */
  readonly conditions: readonly ConditionName[];
  readonly width: number;
  readonly height: number;
  readonly spacingM: number;
  /** Separate towns; with more than one the last is for validation. */
  readonly districts: number;
  /** Towns beside them that are for testing alone. */
  readonly testDistricts: number;
  /** Blocks from west to east and south to north; null = as many as the drive needs. */
  readonly blocks: { readonly columns: number; readonly rows: number } | null;
  /** Later traverses leave the mapped streets for a while. */
  readonly excursion: boolean;
  /** How much later traverses deviate from the first in lane and heading, 0..1. */
  readonly deviation: number;
  readonly datum: GeoPoint;
  readonly jpegQuality: number;
}

export interface SimulatedTraverse {
  readonly town: TownSettings;
  readonly sequence: string;
  readonly role: string;
  readonly condition: ConditionName;
  readonly seed: number;
  readonly frames: readonly DriveFrame[];
  /** Place of each frame, empty off the map. */
  readonly places: readonly string[];
  /** Where the district's origin lies in the map frame. */
  readonly originX: number;
}

const SPEED_M_PER_S = 7;
/** Districts lie this far apart: no place of one is near a place of another. */
const DISTRICT_SPACING_M = 3000;
/** 2 March 2026, 00:00 UTC; every traverse is made on a day of its own. */
const FIRST_DAY_S = 1_772_409_600;
const HOURS: Readonly<Record<ConditionName, number>> = {
  day: 11,
  overcast: 14,
  dusk: 18,
  night: 22,
  rain: 15,
  night_rain: 23,
};

/** A grid with about as many metres of mapped street as a drive of this length, but no fewer than 3 x 2 blocks. */
function chooseBlocks(lengthM: number): { columns: number; rows: number } {
  let [columns, rows] = [3, 2];
  const streetM = (): number => (columns * (rows + 1) + (columns - 1) * rows) * 69;
  while (streetM() < lengthM * 0.8 && columns < 12) {
    if (columns <= rows) columns++;
    else rows++;
  }
  return { columns, rows };
}

function roleOf(traverse: number, district: number, { districts, testDistricts }: SimulationSettings): string {
  const role = traverse === 0 ? 'database' : 'query';
  if (districts + testDistricts === 1) return role;
  if (district >= districts) return `test_${role}`;
  return district === districts - 1 ? `validation_${role}` : `train_${role}`;
}

/** All traverses with their exact poses. */
export function planTraverses(settings: SimulationSettings): SimulatedTraverse[] {
  const traverses: SimulatedTraverse[] = [];
  const lengthM = settings.frames * settings.spacingM;
  const districts = settings.districts + settings.testDistricts;
  for (let district = 0; district < districts; district++) {
    const seed = districts === 1 ? settings.seed : settings.seed * 1000 + district;
    const town: TownSettings = { seed, ...(settings.blocks ?? chooseBlocks(lengthM)) };
    const plan = planTown(town);
    const route = planRoute(plan, lengthM, createRandom(seed).fork('route'));
    settings.conditions.forEach((condition, k) => {
      const drive = driveTown(plan, { route, settings, traverse: k });
      traverses.push({
        town,
        sequence: `${districts === 1 ? '' : `district${district}_`}${String(k).padStart(2, '0')}_${condition}`,
        role: roleOf(k, district, settings),
        condition,
        seed: seed * 100 + k,
        ...drive,
        places: drive.places.map((place) => (place === '' ? '' : `${district}-${place}`)),
        originX: district * DISTRICT_SPACING_M,
      });
    });
  }
  return traverses;
}

function driveTown(
  plan: TownPlan,
  drive: { route: readonly number[]; settings: SimulationSettings; traverse: number },
): { frames: DriveFrame[]; places: string[] } {
  const { route, settings, traverse } = drive;
  const { spacingM } = settings;
  const detour = traverse > 0 && settings.excursion ? addExcursion(plan, route) : null;
  const corners = (detour?.route ?? route).map((node) => plan.nodes[node]!);
  const day = FIRST_DAY_S + traverse * 86_400 + HOURS[settings.conditions[traverse]!] * 3600;
  const path = new Path(corners);
  const addedM = detour === null ? 0 : path.lengthM - lengthOf(plan, route);
  const frames = planDrive({
    path,
    frames: settings.frames + Math.round(addedM / spacingM),
    spacingM,
    speedMPerS: SPEED_M_PER_S,
    startNs: BigInt(day) * 1_000_000_000n,
    seed: plan.seed * 100 + traverse,
    deviation: traverse === 0 ? 0 : settings.deviation,
  });
  if (detour === null) return { frames, places: frames.map(({ alongM }) => String(Math.round(alongM / spacingM))) };
  // behind the detour the way along the first traverse is shorter by what the detour added
  const legs = detour.offMap;
  const returned = legs.lastIndexOf(true);
  const places = frames.map(({ alongM, leg }) => {
    if (legs[leg] === true) return '';
    return String(Math.round((leg > returned ? alongM - addedM : alongM) / spacingM));
  });
  return { frames, places };
}

function lengthOf(plan: TownPlan, route: readonly number[]): number {
  return new Path(route.map((node) => plan.nodes[node]!)).lengthM;
}
