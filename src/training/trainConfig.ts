/** @file What a training run is told: a YAML file, checked, with a default for everything but the backbone's weights. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { NetvladError } from '../errors.ts';
import { BACKBONE_NAMES } from '../onnx/backbones/backbones.ts';
import { DEFAULT_NEIGHBOURHOOD } from './neighbourhoods.ts';

const triple = z.tuple([z.number(), z.number(), z.number()]);

const backboneSchema = z
  .strictObject({
    /** An architecture that a PyTorch checkpoint is read into, or `onnx`: anybody's network. */
    name: z.enum([...BACKBONE_NAMES, 'onnx']),
    /** The checkpoint or the `.onnx` file, relative to the config file. */
    weights: z.string().min(1),
    /** Tensor to take the dense map from; each architecture has its own default. */
    cut: z.string().min(1).optional(),
    /** Which weights these are and under which licence: goes into manifest and model card. */
    weightsFrom: z.string().min(1),
    licence: z.string().min(1),
  })
  .refine(({ name, cut }) => name !== 'onnx' || cut !== undefined, {
    message: "a backbone 'onnx' needs 'cut', the tensor of its dense map",
  });

const inputSchema = z.strictObject({
  width: z.int().positive().default(320),
  height: z.int().positive().default(240),
  resize: z.enum(['fit', 'stretch', 'native']).default('stretch'),
  kernel: z.enum(['nearest', 'linear', 'cubic', 'lanczos3']).default('linear'),
  colour: z.enum(['rgb', 'bgr']).default('rgb'),
  scale: z
    .number()
    .positive()
    .default(1 / 255),
  mean: triple.default([0.485, 0.456, 0.406]),
  std: triple.default([0.229, 0.224, 0.225]),
});

const poolingSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('netvlad'),
    clusters: z.int().positive().default(64),
    version: z.enum(['v1', 'v2']).default('v1'),
  }),
  z.strictObject({ kind: z.literal('vlad'), clusters: z.int().positive().default(64) }),
  z.strictObject({ kind: z.literal('max') }),
  z.strictObject({ kind: z.literal('gem'), power: z.number().positive().default(3) }),
]);

const initialisationSchema = z.strictObject({
  /** Images drawn at random for the clustering. */
  images: z.int().positive().default(500),
  locationsPerImage: z.int().positive().default(100),
  iterations: z.int().positive().default(100),
  /** How many times the nearest centre's assignment is the second's, on average: 100 as the authors, less is softer. */
  assignmentRatio: z.number().gt(1).default(100),
});

const whiteningSchema = z.strictObject({
  /** `pca` scales principal components; `learned` shrinks what differs between pairs of one place. */
  method: z.enum(['pca', 'learned']).default('pca'),
  /** Output dimensions; `all` keeps every one. */
  dimension: z.union([z.int().positive(), z.literal('all')]).default('all'),
  /** Of `pca`: each direction is scaled by its variance to the power of minus this: 0 plain PCA, 0.25 half, 0.5 full whitening. */
  power: z.number().min(0).max(0.5).default(0.25),
  /** Images drawn at random for the statistics. */
  images: z.int().positive().default(3000),
  /** Of `pca`: a night-like copy of every image enters the statistics, too (photometric.ts). */
  nightCopies: z.boolean().default(false),
});

const share = z.number().min(0).max(1);

/** Variants of the images that stand in for other times of day (augment.ts); rates are probabilities. */
const augmentationSchema = z.strictObject({
  /** Variants of an image in the cache; the first is the image as it is. 1 switches augmentation off. */
  variants: z.int().min(1).max(16).default(1),
  light: share.default(0.5),
  night: share.default(0.4),
  blur: share.default(0.1),
  rain: share.default(0.1),
  shadow: share.default(0.2),
  geometry: share.default(0.5),
  occluder: share.default(0.2),
});

/** The paper's recipe; its values are the defaults. */
const trainingSchema = z.strictObject({
  /** What is trained: nothing, the head, head and the last n blocks, head and all after a tensor, or everything. */
  layers: z
    .union([z.enum(['none', 'head', 'all']), z.int().positive(), z.strictObject({ after: z.string().min(1) })])
    .default('head'),
  epochs: z.int().nonnegative().default(30),
  /** Roles of the source's images; a null query role makes every database image a query too. */
  roles: z
    .strictObject({
      queries: z.string().nullable().default('train_query'),
      database: z.string().nullable().default('train_database'),
      validationQueries: z.string().default('validation_query'),
      validationDatabase: z.string().default('validation_database'),
      /** Images that decide nothing: they are measured once, with the weights that validation chose. */
      testQueries: z.string().nullable().default(null),
      testDatabase: z.string().nullable().default(null),
    })
    .refine(({ testQueries, testDatabase }) => (testQueries === null) === (testDatabase === null), {
      message: 'testQueries and testDatabase belong together: give both or neither',
    })
    .prefault({}),
  /** Only queries of this condition validate and test (a CSV's column `condition`); all of them where null. */
  queryCondition: z.string().nullable().default(null),
  /** The exported model is measured on its queries turned into night, too: where the data holds daytime alone. */
  nightQueries: z.boolean().default(false),
  positiveRadiusM: z.number().positive().default(DEFAULT_NEIGHBOURHOOD.positiveRadiusM),
  negativeRadiusM: z.number().positive().default(DEFAULT_NEIGHBOURHOOD.negativeRadiusM),
  /** Without positions: frames of one sequence so far apart are potential positives. */
  positiveFrames: z.int().positive().default(DEFAULT_NEIGHBOURHOOD.positiveFrames),
  /** A validation answer within it is right. */
  validationRadiusM: z.number().positive().default(25),
  /** On squared distances. */
  margin: z.number().positive().default(0.1),
  batchTuples: z.int().positive().default(4),
  negativesPerQuery: z.int().positive().default(10),
  randomNegatives: z.int().positive().default(1000),
  rememberedNegatives: z.int().nonnegative().default(10),
  queriesPerEpoch: z.int().positive().nullable().default(null),
  headRate: z.number().positive().default(1e-3),
  backboneRate: z.number().positive().default(1e-4),
  momentum: share.default(0.9),
  weightDecay: z.number().nonnegative().default(1e-3),
  halveEveryEpochs: z.int().positive().default(5),
  refreshEveryQueries: z.int().positive().default(1000),
  patience: z.int().positive().default(10),
  augmentation: augmentationSchema.prefault({}),
  /** Of the frozen layers' outputs on disk. */
  cachePrecision: z.enum(['float16', 'float32']).default('float16'),
  /** The exported weights are this share trained and the rest initial ones: less is forgotten of other places. */
  trainedShare: share.default(1),
});

export type TrainingConfig = z.infer<typeof trainingSchema>;

export const trainConfigSchema = z.strictObject({
  /** Name of the model: its files will be called so. */
  name: z.string().regex(/^[A-Za-z0-9._-]+$/),
  licence: z.string().default('Apache-2.0'),
  seed: z.int().nonnegative().default(1),
  /** What the training images are and under which licence, for manifest and card; the source's name where left out. */
  data: z.string().optional(),
  backbone: backboneSchema,
  input: inputSchema.prefault({}),
  pooling: poolingSchema,
  initialisation: initialisationSchema.prefault({}),
  whitening: whiteningSchema.nullable().default(null),
  /** Left out: the model is initialised and not trained. */
  training: trainingSchema.optional(),
});

export type TrainConfig = z.infer<typeof trainConfigSchema>;

/** Checks a parsed document; `file` names it in messages and is what relative paths are relative to. */
export function toTrainConfig(document: unknown, file: string): TrainConfig {
  const result = trainConfigSchema.safeParse(document);
  if (!result.success) {
    throw new NetvladError('bad-input', `Training config ${file} does not fit: ${z.prettifyError(result.error)}`, {
      hint: 'config/train/default.yaml explains the fields.',
    });
  }
  const { data } = result;
  return { ...data, backbone: { ...data.backbone, weights: path.resolve(path.dirname(file), data.backbone.weights) } };
}

/** Reads a config. Throws NetvladError('bad-input') that names file and field. */
export async function readTrainConfig(file: string): Promise<TrainConfig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new NetvladError('bad-input', `Training config ${file} cannot be read: ${(cause as Error).message}.`, {
      cause,
    });
  }
  try {
    return toTrainConfig(parseYaml(text), file);
  } catch (cause) {
    if (cause instanceof NetvladError) throw cause;
    throw new NetvladError('bad-input', `Training config ${file} is not YAML: ${(cause as Error).message}.`, { cause });
  }
}
