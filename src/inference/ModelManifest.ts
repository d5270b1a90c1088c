/** @file The model manifest `name.json` that lies beside `name.onnx` (docs/formats.md). */
import { z } from 'zod';

const triple = z.tuple([z.number(), z.number(), z.number()]);
const positiveTriple = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);

/** Unknown keys are kept, so that a newer trainer's extra facts survive reading and writing. */
export const modelManifestSchema = z.looseObject({
  format: z.literal(1),
  name: z.string().min(1),
  onnx: z.looseObject({
    file: z.string().min(1),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    input: z.string().min(1),
    output: z.string().min(1),
    /** Output with the dense local features [n, H'W', C], where the model has one. */
    local: z.string().min(1).optional(),
  }),
  input: z.looseObject({
    height: z.int().positive(),
    width: z.int().positive(),
    resize: z.enum(['fit', 'stretch', 'native']),
    /** Resampling kernel; map and query must go through the same one. */
    kernel: z.enum(['nearest', 'linear', 'cubic', 'lanczos3']).default('linear'),
    colour: z.enum(['rgb', 'bgr']),
    /** Pixels are multiplied by it first; then (x - mean) / std per channel. */
    scale: z.number().positive(),
    mean: triple,
    std: positiveTriple,
  }),
  descriptor: z.looseObject({
    dimension: z.int().positive(),
    /** `other`: a foreign network that computes its descriptor in its own way. */
    pooling: z.enum(['netvlad', 'max', 'gem', 'vlad', 'other']),
    clusters: z.int().positive().nullable(),
    whitening: z.string().nullable(),
  }),
  /** Grid of the local output at the manifest's input size. */
  local: z
    .looseObject({ rows: z.int().positive(), columns: z.int().positive(), channels: z.int().positive() })
    .optional(),
  /** Of a model with int8 weights: what it was made of and how near its descriptors are to the original's. */
  quantisation: z
    .looseObject({ weights: z.string(), from: z.looseObject({ name: z.string(), sha256: z.string() }) })
    .optional(),
  backbone: z.looseObject({ name: z.string(), cut: z.string(), weightsFrom: z.string(), licence: z.string() }),
  training: z.looseObject({ data: z.unknown(), run: z.unknown(), recall: z.unknown() }).partial(),
  licence: z.string(),
});

export type ModelManifest = z.infer<typeof modelManifestSchema>;
