/** @file From a network to files: the deployed graph, its manifest, its card, and the proof that they do what the reference does. */
import path from 'node:path';
import { NetvladError } from '../errors.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import type { ManifestDraft, ModelFiles } from '../inference/modelFiles.ts';
import { writeModelFiles } from '../inference/modelFiles.ts';
import { OnnxDescriptorModel } from '../inference/OnnxDescriptorModel.ts';
import type { SessionOptions } from '../inference/OnnxSession.ts';
import { project } from '../math/pca.ts';
import { netvladForward } from '../netvlad/netvlad.ts';
import { hardVlad } from '../netvlad/pooling.ts';
import type { Head } from './DescriptorNetwork.ts';
import { assembleModel } from './DescriptorNetwork.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';
import { renderModelCard } from './modelCard.ts';
import type { Backbone } from './loadBackbone.ts';
import type { TrainConfig } from './trainConfig.ts';

/** The exported graph must agree with the float64 reference to this, in every component of a unit descriptor. */
export const PARITY_TOLERANCE = 1e-5;

/** Descriptor of local features [L, C] by the reference; null for poolings that do not start from unit features. */
function computeReference(local: Float32Array, { pooling, whitening }: Head): Float64Array | null {
  if (pooling.kind === 'max' || pooling.kind === 'gem') return null;
  const { descriptor } =
    pooling.kind === 'netvlad'
      ? netvladForward(local, pooling.parameters)
      : hardVlad(local, pooling.centres, pooling.centres.length / pooling.clusters);
  return whitening === null ? descriptor : project(whitening, descriptor);
}

/** Largest absolute difference between exported model and reference over `images`; null where there is no reference. */
export async function measureParity(
  model: OnnxDescriptorModel,
  head: Head,
  images: readonly RgbImage[],
): Promise<number | null> {
  let worst: number | null = null;
  for (const image of images) {
    const { global, local } = await model.describe([image], { local: true });
    const reference = local === null ? null : computeReference(local.data, head);
    if (reference === null) return null;
    for (let i = 0; i < reference.length; i++) worst = Math.max(worst ?? 0, Math.abs(global[i]! - reference[i]!));
  }
  return worst;
}

export interface ExportRequest {
  readonly config: TrainConfig;
  /** Where the model's files go. */
  readonly folder: string;
  /** For the manifest: what it was made from. */
  readonly training: ManifestDraft['training'];
  /** Images on which exported graph and reference are compared. */
  readonly parityImages: readonly RgbImage[];
  readonly session?: SessionOptions;
}

export interface ExportedModel {
  readonly files: ModelFiles;
  readonly cardPath: string;
  readonly parity: number | null;
}

/**
 * Checks the deployed graph against the reference, then writes `name.onnx`, `name.json` and the card `name.md`.
 * Throws NetvladError('internal') when they disagree; nothing is written then.
 */
export async function exportModel(backbone: Backbone, head: Head, request: ExportRequest): Promise<ExportedModel> {
  const { draft, files } = assembleModel(backbone, head, request);
  const model = await OnnxDescriptorModel.open(files, request.session);
  let parity: number | null;
  try {
    parity = await measureParity(model, head, request.parityImages);
  } finally {
    await model.dispose();
  }
  if (parity !== null && parity > PARITY_TOLERANCE) {
    throw new NetvladError(
      'internal',
      `The exported graph differs from the reference by ${parity}, expected at most ${PARITY_TOLERANCE}.`,
    );
  }
  const written = await writeModelFiles(request.folder, draft, files.onnx);
  const cardPath = path.join(request.folder, `${draft.name}.md`);
  await writeFileAtomically(cardPath, renderModelCard(written, parity));
  return { files: written, cardPath, parity };
}
