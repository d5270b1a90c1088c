/**
 * @file What weak supervision knows of the training images: which ones may show the same place, which ones surely do not.
 * By position (the paper) or, without positions, by order in time.
 */
import type { GeotaggedImage } from '../datasets/GeotaggedImage.ts';

export interface NeighbourhoodOptions {
  /** Potential positives lie within it. */
  readonly positiveRadiusM: number;
  /** Definite negatives lie beyond it. */
  readonly negativeRadiusM: number;
  /** Without positions: frames of one sequence at most so far apart are potential positives. */
  readonly positiveFrames: number;
}

/** The paper's radii; at walking pace and a frame a second, two frames are about 2.5 m. */
export const DEFAULT_NEIGHBOURHOOD: NeighbourhoodOptions = {
  positiveRadiusM: 10,
  negativeRadiusM: 25,
  positiveFrames: 2,
};

/** Rows of the images, as given. */
export interface Neighbourhood {
  readonly positives: readonly number[];
  /** All that are not surely another place, the image itself among them: never a negative. */
  readonly excluded: ReadonlySet<number>;
}

/** Views of one panorama differ by less; they look elsewhere and are no positives (the authors' dbBase: d2 > 1 m^2). */
const SAME_SPOT_M = 1;

/** An image and the source it came from: coordinates and tracks of different sources have nothing to do with each other. */
export interface TrainingImage {
  readonly image: GeotaggedImage;
  readonly source: number;
}

interface Spot extends TrainingImage {
  readonly row: number;
}

/** The moment an image was taken, as far as the source tells: images of one moment teach no invariance to it. */
function momentOf(image: GeotaggedImage): string {
  return `${image.condition ?? ''}|${image.sequence ?? ''}`;
}

function byPosition(query: Spot, database: readonly Spot[], options: NeighbourhoodOptions): Neighbourhood {
  const at = query.image.local!;
  const excluded = new Set([query.row]);
  const near: Spot[] = [];
  for (const spot of database) {
    if (spot.source !== query.source) continue; // another town: a definite negative
    if (spot.image.local === null) {
      excluded.add(spot.row); // may be anywhere
      continue;
    }
    const distance = Math.hypot(spot.image.local.x - at.x, spot.image.local.y - at.y);
    if (distance <= options.negativeRadiusM) excluded.add(spot.row);
    const isOtherMoment = momentOf(spot.image) !== momentOf(query.image);
    const isOwnView = spot.row === query.row || (distance <= SAME_SPOT_M && !isOtherMoment);
    if (distance <= options.positiveRadiusM && !isOwnView) near.push(spot);
  }
  const otherMoments = near.filter((spot) => momentOf(spot.image) !== momentOf(query.image));
  return { positives: (otherMoments.length > 0 ? otherMoments : near).map((spot) => spot.row), excluded };
}

function byOrder(query: Spot, database: readonly Spot[], options: NeighbourhoodOptions): Neighbourhood {
  const { sequence, place, condition, frame } = query.image;
  const track = sequence ?? place;
  const excluded = new Set([query.row]);
  const positives: number[] = [];
  for (const spot of database) {
    if (spot.source !== query.source) continue;
    const other = spot.image;
    const isSameTrack = (other.sequence ?? other.place) === track;
    // Another track of the same group (floor, drive) may cross this one: neither positive nor negative.
    const mayCross = isSameTrack || (condition !== null && other.condition === condition);
    if (mayCross || other.local !== null) excluded.add(spot.row);
    const isNear = frame !== null && other.frame !== null && Math.abs(other.frame - frame) <= options.positiveFrames;
    if (isSameTrack && isNear && spot.row !== query.row) positives.push(spot.row);
  }
  return { positives, excluded };
}

/**
 * Neighbourhood of every query row among the database rows, one after the other. With several times of day at hand, positives
 * from another time than the query's are preferred: they are what teaches invariance.
 */
export function* eachNeighbourhood(
  images: readonly TrainingImage[],
  rows: { readonly queries: readonly number[]; readonly database: readonly number[] },
  options: NeighbourhoodOptions,
): Generator<readonly [number, Neighbourhood]> {
  const database = rows.database.map((row) => ({ row, ...images[row]! }));
  for (const row of rows.queries) {
    const query = { row, ...images[row]! };
    yield [row, (query.image.local === null ? byOrder : byPosition)(query, database, options)];
  }
}
