/** @file Random draws from an image source. Really random: the first n images of a source are one street. */
import type { DatasetProblem, GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import { isDatasetProblem } from '../datasets/GeotaggedImage.ts';
import { NetvladError } from '../errors.ts';
import type { Logger } from '../Logger.ts';
import type { Random } from '../math/random.ts';
import type { TrainingImage } from './neighbourhoods.ts';

/** All usable records of a source; problems go to the log. Throws NetvladError('bad-input') when nothing is left. */
export async function collectImages(
  source: AsyncIterable<GeotaggedImage | DatasetProblem> & { readonly description: string },
  logger: Logger,
): Promise<readonly GeotaggedImage[]> {
  const images: GeotaggedImage[] = [];
  for await (const item of source) {
    if (isDatasetProblem(item)) logger.warn(`${item.where}: ${item.problem}`);
    else images.push(item);
  }
  if (images.length > 0) return images;
  throw new NetvladError('bad-input', `${source.description}: there are no usable images in it.`);
}

/**
 * `count` different images in random order, the same number from every source as far as they reach, so that the largest does
 * not decide; all of them where there are fewer.
 */
export function drawImages(images: readonly TrainingImage[], count: number, random: Random): readonly TrainingImage[] {
  const bySource = new Map<number, TrainingImage[]>();
  for (const at of random.sample(images.length, images.length)) {
    const image = images[at]!;
    const known = bySource.get(image.source);
    if (known === undefined) bySource.set(image.source, [image]);
    else known.push(image);
  }
  const shuffled = [...bySource.values()];
  const longest = Math.max(0, ...shuffled.map(({ length }) => length));
  const drawn: TrainingImage[] = [];
  for (let round = 0; round < longest && drawn.length < count; round++) {
    drawn.push(...shuffled.flatMap((list) => list.slice(round, round + 1)).slice(0, count - drawn.length));
  }
  return drawn;
}
