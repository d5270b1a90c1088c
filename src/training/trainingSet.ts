/** @file The images of a run by what they are used for: queries, database, validation, test. */
import type { GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import { NetvladError } from '../errors.ts';
import { createDatum, toEnu } from '../geo/LocalDatum.ts';
import { computeLabelTruth, computeRadiusTruth } from '../evaluation/groundTruth.ts';
import type { GroundTruth } from '../evaluation/recall.ts';
import { eachNeighbourhood, type Neighbourhood, type TrainingImage } from './neighbourhoods.ts';
import type { TrainingConfig } from './trainConfig.ts';
import { countOf } from '../countOf.ts';

export interface TrainingSet {
  /** All images that take part; rows are positions in it. */
  readonly images: readonly TrainingImage[];
  readonly queries: readonly number[];
  readonly database: readonly number[];
  readonly neighbourhoods: ReadonlyMap<number, Neighbourhood>;
  readonly validation: Validation;
  /** Measured with the weights that validation chose; null where the config names no roles for it. */
  readonly test: Validation | null;
}

/** Queries whose recall is measured, and what they are searched in. */
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

/** By position, in a source without positions by place. */
function truthOf(
  queries: readonly GeotaggedImage[],
  database: readonly GeotaggedImage[],
  radiusM: number,
): GroundTruth {
  const localOf = ({ local }: GeotaggedImage): GeotaggedImage['local'] => local;
  const placeOf = ({ place }: GeotaggedImage): string | null => place;
  return queries.some(({ local }) => local !== null)
    ? computeRadiusTruth(queries.map(localOf), database.map(localOf), radiusM)
    : computeLabelTruth(queries.map(placeOf), database.map(placeOf));
}

/** Source by source: positions and places of different ones have nothing to do with each other. */
function validationTruth(
  images: readonly TrainingImage[],
  rows: Omit<Validation, 'truth'>,
  radiusM: number,
): GroundTruth {
  const truth: ReadonlySet<number>[] = rows.queries.map(() => new Set());
  for (const source of new Set(rows.queries.map((row) => images[row]!.source))) {
    const positionsOf = (list: readonly number[]): number[] =>
      list.flatMap((row, at) => (images[row]!.source === source ? [at] : []));
    const [queries, database] = [positionsOf(rows.queries), positionsOf(rows.database)];
    const found = truthOf(
      queries.map((at) => images[rows.queries[at]!]!.image),
      database.map((at) => images[rows.database[at]!]!.image),
      radiusM,
    );
    queries.forEach((at, i) => (truth[at] = new Set([...found[i]!].map((match) => database[match]!))));
  }
  return truth;
}

/** Database and queries of one role each, with what is right for each query. */
function chooseMeasured(
  images: readonly TrainingImage[],
  roles: { readonly queries: string; readonly database: string },
  { validationRadiusM }: TrainingConfig,
): Validation {
  const rows = {
    queries: requireRows(rowsOfRole(images, roles.queries), roles.queries, images),
    database: requireRows(rowsOfRole(images, roles.database), roles.database, images),
  };
  const truth = validationTruth(images, rows, validationRadiusM);
  if (truth.some((positives) => positives.size > 0)) return { ...rows, truth };
  throw new NetvladError(
    'bad-input',
    `Training: none of the ${rows.queries.length} '${roles.queries}' has a true match among the '${roles.database}' (within ${validationRadiusM} m, or of its place).`,
    { hint: 'Check the positions and their unit, or enlarge training.validationRadiusM.' },
  );
}

/** The images without those measured queries that are of another condition than the one asked for. */
function selectCondition(
  images: readonly TrainingImage[],
  { roles, queryCondition }: TrainingConfig,
): readonly TrainingImage[] {
  if (queryCondition === null) return images;
  const isMeasured = ({ image }: TrainingImage): boolean =>
    image.role !== null && [roles.validationQueries, roles.testQueries].includes(image.role);
  const selected = images.filter((item) => !isMeasured(item) || item.image.condition === queryCondition);
  if (selected.some(isMeasured)) return selected;
  const found = [...new Set(images.filter(isMeasured).map(({ image }) => image.condition ?? '(none)'))].join(', ');
  throw new NetvladError(
    'bad-input',
    `Training: no '${roles.validationQueries}' has the condition '${queryCondition}' (there are ${found}).`,
    { hint: 'Name one of them as training.queryCondition, or leave it out.' },
  );
}

/** Without positives, or without negatives, there is no tuple to train on. */
function assertTuples(
  neighbourhoods: ReadonlyMap<number, Neighbourhood>,
  database: readonly number[],
  config: TrainingConfig,
): void {
  const found = [...neighbourhoods.values()];
  const queries = `none of the ${countOf(found.length, 'query', 'queries')}`;
  if (!found.some(({ positives }) => positives.length > 0)) {
    throw new NetvladError(
      'bad-input',
      `Training: ${queries} has a potential positive within ${config.positiveRadiusM} m (or ${countOf(config.positiveFrames, 'frame')}).`,
      { hint: 'Check the positions and their unit, or enlarge training.positiveRadiusM.' },
    );
  }
  if (!found.some(({ excluded }) => database.some((row) => !excluded.has(row)))) {
    throw new NetvladError(
      'bad-input',
      `Training: ${queries} has a definite negative: every database image lies within ${config.negativeRadiusM} m, or may.`,
      { hint: 'Add images of other places, or another source with --data.' },
    );
  }
}

/**
 * Sorts the images by role and finds every query's neighbourhood.
 * @throws NetvladError `bad-input` for a role or condition without images, and for queries none of which has a potential
 * positive, a negative, or a true match where they are measured
 */
export function createTrainingSet(given: readonly TrainingImage[], config: TrainingConfig): TrainingSet {
  const { roles } = config;
  const images = selectCondition(given, config);
  const database = requireRows(rowsOfRole(images, roles.database), roles.database, images);
  const queries =
    roles.queries === null ? database : requireRows(rowsOfRole(images, roles.queries), roles.queries, images);
  const { validationQueries, validationDatabase, testQueries, testDatabase } = roles;
  const validation = chooseMeasured(images, { queries: validationQueries, database: validationDatabase }, config);
  const test =
    testQueries === null || testDatabase === null
      ? null
      : chooseMeasured(images, { queries: testQueries, database: testDatabase }, config);
  const neighbourhoods = new Map(eachNeighbourhood(images, { queries, database }, config));
  assertTuples(neighbourhoods, database, config);
  return { images, queries, database, neighbourhoods, validation, test };
}
