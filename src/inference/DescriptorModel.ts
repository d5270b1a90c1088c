/** @file The port that turns images into descriptors. */
import type { RgbImage } from '../image/RgbImage.ts';
import type { LocalFeatures } from '../verification/LocalGrid.ts';
import type { ModelManifest } from './ModelManifest.ts';

export type { LocalFeatures };

export interface Descriptors {
  readonly count: number;
  readonly dimension: number;
  /** [count, dimension] row-major, unit L2. */
  readonly global: Float32Array;
  /** Of `count` images; present when asked for and when the model has it. */
  readonly local: LocalFeatures | null;
}

export interface DescriptorModel {
  readonly manifest: ModelManifest;
  /** The provider that really runs (`cpu`, `cuda`), not the one wished for. */
  readonly provider: string;
  /** Images of any size; each is resized as the manifest says. Batch of one equals row of a batch. */
  describe(images: readonly RgbImage[], options?: { readonly local?: boolean }): Promise<Descriptors>;
  dispose(): Promise<void>;
}
