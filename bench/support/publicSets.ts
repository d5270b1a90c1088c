/** @file The public photographs with ground truth that benchmarks report on, as questions: queries, a database, the truth. */
import { join } from 'node:path';
import { openCsvSource } from '../../src/datasets/CsvSource.ts';
import { type GeotaggedImage, isDatasetProblem } from '../../src/datasets/GeotaggedImage.ts';

export interface PublicQuestion {
  readonly name: string;
  /** What counts as right. */
  readonly rule: string;
  /** How far apart two images were taken, in the unit of the rule, and how far is still the same place. */
  readonly apart: (query: GeotaggedImage, candidate: GeotaggedImage) => number;
  readonly radius: number;
  readonly database: readonly GeotaggedImage[];
  readonly queries: readonly GeotaggedImage[];
  readonly isTrue: (query: GeotaggedImage, candidate: GeotaggedImage) => boolean;
}

/** A question whose truth is a distance. */
export function createQuestion(facts: Omit<PublicQuestion, 'isTrue'>): PublicQuestion {
  return { ...facts, isTrue: (query, candidate) => facts.apart(query, candidate) <= facts.radius };
}

export async function readSet(data: string, set: string, role?: string): Promise<readonly GeotaggedImage[]> {
  const images: GeotaggedImage[] = [];
  const source = await openCsvSource(join(data, set, 'index.csv'), role === undefined ? {} : { role });
  for await (const item of source) {
    if (isDatasetProblem(item)) throw new Error(`${item.where}: ${item.problem}`);
    images.push(item);
  }
  return images;
}

const framesApart = (a: GeotaggedImage, b: GeotaggedImage): number => Math.abs(a.frame! - b.frame!);
export const metresApart = (a: GeotaggedImage, b: GeotaggedImage): number =>
  Math.hypot(a.local!.x - b.local!.x, a.local!.y - b.local!.y);

/** `data` is the folder of the sets. None of them may have been trained or tuned on; see data/README there. */
export async function loadPublicQuestions(data: string): Promise<readonly PublicQuestion[]> {
  const gardens = await readSet(data, 'gardens_point');
  const ofCondition = (wanted: string): GeotaggedImage[] => gardens.filter(({ condition }) => condition === wanted);
  const traverse = (condition: string): PublicQuestion =>
    createQuestion({
      name: `gardens_point ${condition}`,
      rule: '5 frames',
      database: ofCondition('day_right'),
      queries: ofCondition(condition),
      apart: framesApart,
      radius: 5,
    });
  const hallway = await readSet(data, 'rtabmap_hallway');
  return [
    traverse('night_right'),
    traverse('day_left'),
    createQuestion({
      name: 'corridor_fisheye',
      rule: '2 frames',
      database: await readSet(data, 'corridor_fisheye', 'database'),
      queries: await readSet(data, 'corridor_fisheye', 'query'),
      apart: framesApart,
      radius: 2,
    }),
    createQuestion({
      name: 'cambridge_west validation',
      rule: '25 m',
      database: await readSet(data, 'cambridge_west', 'validation_database'),
      queries: await readSet(data, 'cambridge_west', 'validation_query'),
      apart: metresApart,
      radius: 25,
    }),
    createQuestion({
      name: 'rtabmap_hallway',
      rule: '2 frames, second lap against first',
      database: hallway.filter(({ condition }) => condition === 'lap1'),
      queries: hallway.filter(({ frame }) => frame! >= 43 && frame! <= 74),
      apart: (query, candidate) => Math.abs(query.frame! - 39 - candidate.frame!),
      radius: 2,
    }),
    createQuestion({
      name: 'nakamura_campus_robot',
      rule: '6 m, odd frames against even',
      database: await readSet(data, 'nakamura_campus_robot', 'database'),
      queries: await readSet(data, 'nakamura_campus_robot', 'query'),
      apart: metresApart,
      radius: 6,
    }),
  ];
}

/** Of the training streets every query, or every second one: for settings, never for reports. */
export async function loadStreetsForTuning(data: string, every = 1): Promise<PublicQuestion> {
  const queries = await readSet(data, 'cambridge_west', 'train_query');
  return createQuestion({
    name: 'cambridge_west training',
    rule: '25 m',
    database: await readSet(data, 'cambridge_west', 'train_database'),
    queries: queries.filter((_unused, at) => at % every === 0),
    apart: metresApart,
    radius: 25,
  });
}

export interface TownQuestion extends PublicQuestion {
  /** More images of the map's traverse than the map holds. */
  readonly views: readonly GeotaggedImage[];
}

/**
 * Of a town by `netvlad simulate`, `sequence` e.g. `01_dusk`. Every eighth image of the first traverse is the map, 24 m
 * from one to the next: hardly a query stands where the map does.
 */
export async function loadTownForTuning(town: string, sequence: string): Promise<TownQuestion> {
  const images = await readSet(town, '.');
  const first = images.filter(({ role }) => role === 'database');
  const question = createQuestion({
    name: `town, ${sequence.slice(3)}`,
    rule: '15 m',
    database: first.filter(({ frame }) => frame! % 8 === 0),
    queries: images.filter((image) => image.sequence === sequence && image.frame! % 2 === 0),
    apart: metresApart,
    radius: 15,
  });
  return { ...question, views: first.filter(({ frame }) => frame! % 2 === 0) };
}
