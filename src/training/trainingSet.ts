/** @file The images of a run by what they are used for: queries, database, validation. */
import type { GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import { NetvladError } from '../errors.ts';
import { createDatum, toEnu } from '../geo/LocalDatum.ts';
import { computeLabelTruth, computeRadiusTruth } from '../evaluation/groundTruth.ts';
import type { GroundTruth } from '../evaluation/recall.ts';
import { computeNeighbourhoods, type Neighbourhood, type TrainingImage } from './neighbourhoods.ts';
import type { TrainingConfig } from './trainConfig.ts';

export interface TrainingSet {
  /** All images that take part; rows are positions in it. */
  readonly images: readonly TrainingImage[];
  readonly queries: readonly number[];
  readonly database: readonly number[];
  readonly neighbourhoods: ReadonlyMap<number, Neighbourhood>;
  readonly validation: Validation;
}

export interface Validation {
  readonly queries: readonly number[];
  readonly database: readonly number[];
  readonly truth: GroundTruth;
}

function rowsOfRole(images: readonly TrainingImage[], role: string | null): number[] {
  return images.flatMap(({ image }, row) => (role === null || image.role === role ? [row] : []));
}

function countRoles(images: readonly TrainingImage[]): string {
  const counts = new Map<string, number>();
  for (const { image } of images) counts.set(image.role ?? '(none)', (counts.get(image.role ?? '(none)') ?? 0) + 1);
  return [...counts].map(([role, count]) => `${role}: ${count}`).join(', ');
}

/** Local metres for images that have only WGS-84: one frame for a source, its datum the first position. */
export function toLocalPositions(images: readonly GeotaggedImage[]): GeotaggedImage[] {
  const first = images.find((image) => image.local === null && image.geo !== null)?.geo;
  if (first === undefined || first === null) return [...images];
  const datum = createDatum(first);
  return images.map((image) =>
    image.local === null && image.geo !== null ? { ...image, local: toEnu(datum, image.geo) } : image,
  );
}

function requireRows(
  rows: readonly number[],
  role: string | null,
  images: readonly TrainingImage[],
): readonly number[] {
  if (rows.length > 0) return rows;
  throw new NetvladError(
    'bad-input',
    `Training: no image has the role '${role ?? 'any'}' (there are ${countRoles(images)}).`,
    {
      hint: 'Name the roles of your source under training.roles, or lay a split.csv (columns file, split) beside its CSV.',
    },
  );
}

function validationTruth(
  images: readonly TrainingImage[],
  rows: Omit<Validation, 'truth'>,
  radiusM: number,
): GroundTruth {
  const of = <T>(list: readonly number[], pick: (image: GeotaggedImage) => T): T[] =>
    list.map((row) => pick(images[row]!.image));
  const hasPositions = images[rows.queries[0]!]!.image.local !== null;
  return hasPositions
    ? computeRadiusTruth(
        of(rows.queries, (image) => image.local),
        of(rows.database, (image) => image.local),
        radiusM,
      )
    : computeLabelTruth(
        of(rows.queries, (image) => image.place),
        of(rows.database, (image) => image.place),
      );
}

/**
 * Sorts the images by role and finds every query's neighbourhood.
 * @throws NetvladError `bad-input` for a role without images, and for queries none of which has a potential positive
 */
export function createTrainingSet(images: readonly TrainingImage[], config: TrainingConfig): TrainingSet {
  const { roles } = config;
  const database = requireRows(rowsOfRole(images, roles.database), roles.database, images);
  const queries =
    roles.queries === null ? database : requireRows(rowsOfRole(images, roles.queries), roles.queries, images);
  const validation = {
    queries: requireRows(rowsOfRole(images, roles.validationQueries), roles.validationQueries, images),
    database: requireRows(rowsOfRole(images, roles.validationDatabase), roles.validationDatabase, images),
  };
  const neighbourhoods = computeNeighbourhoods(images, { queries, database }, config);
  if (![...neighbourhoods.values()].some(({ positives }) => positives.length > 0)) {
    throw new NetvladError(
      'bad-input',
      `Training: none of the ${queries.length} queries has a potential positive within ${config.positiveRadiusM} m (or ${config.positiveFrames} frames).`,
      { hint: 'Check the positions and their unit, or enlarge training.positiveRadiusM.' },
    );
  }
  const truth = validationTruth(images, validation, config.validationRadiusM);
  return { images, queries, database, neighbourhoods, validation: { ...validation, truth } };
}
