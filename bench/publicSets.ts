/** @file The public photographs with ground truth that benchmarks report on, as questions: queries, a database, the truth. */
import { join } from 'node:path';
import { openCsvSource } from '../src/datasets/CsvSource.ts';
import { type GeotaggedImage, isDatasetProblem } from '../src/datasets/GeotaggedImage.ts';

export interface PublicQuestion {
  readonly name: string;
  /** What counts as right. */
  readonly rule: string;
  readonly database: readonly GeotaggedImage[];
  readonly queries: readonly GeotaggedImage[];
  readonly isTrue: (query: GeotaggedImage, candidate: GeotaggedImage) => boolean;
}

async function readSet(data: string, set: string, role?: string): Promise<readonly GeotaggedImage[]> {
  const images: GeotaggedImage[] = [];
  const source = await openCsvSource(join(data, set, 'index.csv'), role === undefined ? {} : { role });
  for await (const item of source) {
    if (isDatasetProblem(item)) throw new Error(`${item.where}: ${item.problem}`);
    images.push(item);
  }
  return images;
}

const framesApart = (a: GeotaggedImage, b: GeotaggedImage): number => Math.abs(a.frame! - b.frame!);
const metresApart = (a: GeotaggedImage, b: GeotaggedImage): number =>
  Math.hypot(a.local!.x - b.local!.x, a.local!.y - b.local!.y);

/** `data` is the folder of the sets. None of them may have been trained or tuned on; see data/README there. */
export async function loadPublicQuestions(data: string): Promise<readonly PublicQuestion[]> {
  const gardens = await readSet(data, 'gardens_point');
  const ofCondition = (wanted: string): GeotaggedImage[] => gardens.filter(({ condition }) => condition === wanted);
  const traverse = (condition: string): PublicQuestion => ({
    name: `gardens_point ${condition}`,
    rule: '5 frames',
    database: ofCondition('day_right'),
    queries: ofCondition(condition),
    isTrue: (query, candidate) => framesApart(query, candidate) <= 5,
  });
  const hallway = await readSet(data, 'rtabmap_hallway');
  return [
    traverse('night_right'),
    traverse('day_left'),
    {
      name: 'corridor_fisheye',
      rule: '2 frames',
      database: await readSet(data, 'corridor_fisheye', 'database'),
      queries: await readSet(data, 'corridor_fisheye', 'query'),
      isTrue: (query, candidate) => framesApart(query, candidate) <= 2,
    },
    {
      name: 'cambridge_west validation',
      rule: '25 m',
      database: await readSet(data, 'cambridge_west', 'validation_database'),
      queries: await readSet(data, 'cambridge_west', 'validation_query'),
      isTrue: (query, candidate) => metresApart(query, candidate) <= 25,
    },
    {
      name: 'rtabmap_hallway',
      rule: '2 frames, second lap against first',
      database: hallway.filter(({ condition }) => condition === 'lap1'),
      queries: hallway.filter(({ frame }) => frame! >= 43 && frame! <= 74),
      isTrue: (query, candidate) => Math.abs(query.frame! - 39 - candidate.frame!) <= 2,
    },
    {
      name: 'nakamura_campus_robot',
      rule: '6 m, odd frames against even',
      database: await readSet(data, 'nakamura_campus_robot', 'database'),
      queries: await readSet(data, 'nakamura_campus_robot', 'query'),
      isTrue: (query, candidate) => metresApart(query, candidate) <= 6,
    },
  ];
}
