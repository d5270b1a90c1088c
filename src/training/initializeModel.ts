/** @file The whole way to an untrained NetVLAD model: backbone, head from random images, whitening, export. */
import { computeSha256 } from '../inference/modelFiles.ts';
import { isFrameProblem } from '../image/FrameLimits.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import { decodeContent } from '../datasets/decodeContent.ts';
import { createRandom } from '../math/random.ts';
import { TOOL_VERSION } from '../version.ts';
import { drawImages } from './drawImages.ts';
import type { ExportedModel } from './exportModel.ts';
import { exportModel } from './exportModel.ts';
import type { TrainingContext } from './TrainingContext.ts';
import { initializePooling } from './initializeHead.ts';
import { initializeWhitening } from './initializeWhitening.ts';
import { loadBackbone } from './loadBackbone.ts';
import type { TrainingImage } from './neighbourhoods.ts';

const PARITY_IMAGES = 8;

/** Identity of a training set: the sorted names of its images. */
export function fingerprintImages(images: readonly TrainingImage[]): string {
  const names = images.map(({ image }) => image.name).sort();
  return computeSha256(new TextEncoder().encode(names.join('\n')));
}

/** The images that an exported model is held against the reference on. */
export async function readParityImages(images: readonly TrainingImage[], seed: number): Promise<readonly RgbImage[]> {
  const drawn = drawImages(images, PARITY_IMAGES, createRandom(seed).fork('parity'));
  const decoded = await Promise.all(drawn.map(({ image }) => decodeContent(image)));
  return decoded.flatMap((item) => (isFrameProblem(item) ? [] : [item]));
}

/**
 * Initialises, whitens and exports into `folder`. `images` need no positions. Deterministic for the same images, config and
 * machine.
 */
export async function initializeModel(
  images: readonly TrainingImage[],
  context: TrainingContext,
  target: { readonly folder: string; readonly dataDescription: string },
): Promise<ExportedModel> {
  const { config } = context;
  const backbone = await loadBackbone(config);
  const pooling = await initializePooling(images, backbone, context);
  const whitening = await initializeWhitening(images, { backbone, pooling }, context);
  return exportModel(
    backbone,
    { pooling, whitening },
    {
      config,
      folder: target.folder,
      parityImages: await readParityImages(images, config.seed),
      training: {
        data: { source: target.dataDescription, images: images.length, namesSha256: fingerprintImages(images) },
        run: {
          tool: `netvlad_localizer ${TOOL_VERSION}`,
          seed: config.seed,
          epochs: 0,
          initialisation: config.initialisation,
          whitening: config.whitening,
        },
        recall: null,
      },
      ...(context.session === undefined ? {} : { session: context.session }),
    },
  );
}
