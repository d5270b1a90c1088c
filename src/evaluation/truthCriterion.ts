/** @file What counts as the right place in an evaluation, as the user chose it. */
import type { Place } from '../map/Place.ts';
import { computeFrameTruth, computeLabelTruth, computeRadiusTruth } from './groundTruth.ts';
import { computePairTruth, type ImagePairs } from './pairs.ts';
import type { GroundTruth } from './recall.ts';
import { NetvladError } from '../errors.ts';
import { countOf } from '../countOf.ts';

export type TruthCriterion =
  | { readonly kind: 'radius'; readonly radiusM: number }
  | { readonly kind: 'frames'; readonly frames: number }
  | { readonly kind: 'place' }
  | { readonly kind: 'pairs'; readonly file: string; readonly pairs: ImagePairs };

/** What of an image the ground truth may ask for; places of a map are such images. */
export type JudgedImage = Pick<Place, 'image' | 'sequence' | 'frame' | 'label'> & {
  readonly pose: { readonly x: number; readonly y: number } | null;
};

const MISSING: Readonly<Record<TruthCriterion['kind'], string>> = {
  radius: 'a position (lat,lon or x_m,y_m). Without positions: --frames N, --by place or --ground-truth FILE',
  frames: 'a frame number (column frame). Otherwise: --radius M, --by place or --ground-truth FILE',
  place: 'a place name (column place). Otherwise: --radius M, --frames N or --ground-truth FILE',
  pairs: 'an entry in the ground-truth file',
};

export function describeCriterion(criterion: TruthCriterion): string {
  switch (criterion.kind) {
    case 'radius':
      return `within ${criterion.radiusM} m`;
    case 'frames':
      return `within +-${countOf(criterion.frames, 'frame')}`;
    case 'place':
      return 'same place name';
    case 'pairs':
      return `pairs of ${criterion.file}`;
  }
}

function computeTruthOf(
  criterion: TruthCriterion,
  queries: readonly JudgedImage[],
  database: readonly JudgedImage[],
): GroundTruth {
  switch (criterion.kind) {
    case 'radius':
      return computeRadiusTruth(
        queries.map(({ pose }) => pose),
        database.map(({ pose }) => pose),
        criterion.radiusM,
      );
    case 'frames':
      return computeFrameTruth(queries, database, criterion.frames);
    case 'place':
      return computeLabelTruth(
        queries.map(({ label }) => label),
        database.map(({ label }) => label),
      );
    case 'pairs':
      return readPairTruth(criterion, queries, database);
  }
}

function readPairTruth(
  { file, pairs }: TruthCriterion & { kind: 'pairs' },
  queries: readonly JudgedImage[],
  database: readonly JudgedImage[],
): GroundTruth {
  const namesOf = (images: readonly JudgedImage[]): string[] => images.map(({ image }) => image);
  const { truth, unknown } = computePairTruth(pairs, namesOf(queries), namesOf(database));
  const known = [...pairs.keys()].length;
  if (unknown.length === 0 || known === 0) return truth;
  throw new NetvladError(
    'bad-input',
    `${file} names ${countOf(unknown.length, 'unknown image')}: ${unknown.slice(0, 3).join(', ')}.`,
    {
      hint: 'Images are named as `map export --places` writes them, or by their index (0 = first) in the source.',
    },
  );
}

/** Throws a NetvladError('bad-input') when no query at all has a true match: the numbers would mean nothing. */
export function computeTruth(
  criterion: TruthCriterion,
  queries: readonly JudgedImage[],
  database: readonly JudgedImage[],
): GroundTruth {
  const truth = computeTruthOf(criterion, queries, database);
  if (queries.length === 0 || truth.some((rows) => rows.size > 0)) return truth;
  throw new NetvladError('bad-input', `No query has a true match in the database (${describeCriterion(criterion)}).`, {
    hint: `Each query and database image needs ${MISSING[criterion.kind]}.`,
  });
}
