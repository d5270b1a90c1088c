/** @file Random draws from an image source. Really random: the first n images of a source are one street. */
import type { DatasetProblem, GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import { isDatasetProblem } from '../datasets/GeotaggedImage.ts';
import { NetvladError } from '../errors.ts';
import type { Logger } from '../Logger.ts';
import type { Random } from '../math/random.ts';

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

/** `count` different images in random order; all of them where there are fewer. */
export function drawImages(
  images: readonly GeotaggedImage[],
  count: number,
  random: Random,
): readonly GeotaggedImage[] {
  return random.sample(images.length, count).map((index) => images[index]!);
}
