/** @file The facts about a map as a whole, kept in its `manifest` table as key and JSON value. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { GeoPoint } from '../geo/Pose.ts';
import type { ModelManifest } from '../inference/ModelManifest.ts';
import { TOOL_VERSION } from '../version.ts';
import type { LocalBudget } from './localBudget.ts';
import type { ContentTable } from './mapSchema.ts';

/** What of a model decides whether its descriptors can be compared: the weights and how pixels become its input. */
export interface MapModel {
  readonly name: string;
  readonly sha256: string;
  /** The `input` section of the model's manifest. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly dimension: number;
}

/** One source that places came from. */
export interface MapSource {
  /** As its reader described it. */
  readonly description: string;
  readonly images: number;
  /** Records and images that could not be used. */
  readonly skipped: number;
}

export type MapChecksums = Readonly<Record<ContentTable, string>>;

export interface MapManifest {
  /** UUID; published with every hypothesis. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly toolVersion: string;
  readonly model: MapModel;
  /** Origin of the map frame; null in maps with local metres or without positions. */
  readonly datum: GeoPoint | null;
  /** Name of the map frame, for message headers and tf. */
  readonly frame: string;
  /** As the localization room made it; null = not calibrated. */
  readonly calibration: unknown;
  readonly sources: readonly MapSource[];
  /** Bound of the local features; null = every place keeps its own. */
  readonly localBudget: LocalBudget | null;
  /** sha256 of each content table; null while places are being added. */
  readonly checksums: MapChecksums | null;
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const rowsSchema = z.object({
  id: z.uuid(),
  created: z.iso.datetime(),
  tool_version: z.string(),
  model_name: z.string().min(1),
  model_sha256: sha256,
  model_input: z.record(z.string(), z.unknown()),
  dimension: z.int().positive(),
  datum: z
    .object({
      latDeg: z.number().min(-90).max(90),
      lonDeg: z.number().min(-180).max(360),
      /** JSON has no NaN: null = unknown. */
      altM: z.number().nullable(),
    })
    .nullable(),
  frame: z.string().min(1),
  calibration: z.unknown(),
  sources: z.array(
    z.object({ description: z.string(), images: z.int().nonnegative(), skipped: z.int().nonnegative() }),
  ),
  local_budget: z.object({ bytes: z.number().positive(), share: z.number().min(0).max(1) }).nullish(),
  checksums: z.object({ place: sha256, descriptor: sha256, local_features: sha256, thumbnail: sha256 }).nullable(),
});

/** Rows of the `manifest` table, values as JSON text. */
export type ManifestRows = Readonly<Record<string, string>>;

/** Throws a ZodError or SyntaxError that names the key. */
export function parseManifestRows(rows: ManifestRows): MapManifest {
  const values = rowsSchema.parse(
    Object.fromEntries(Object.entries(rows).map(([key, text]) => [key, JSON.parse(text) as unknown])),
  );
  const { datum } = values;
  return {
    id: values.id,
    created: values.created,
    toolVersion: values.tool_version,
    model: {
      name: values.model_name,
      sha256: values.model_sha256,
      input: values.model_input,
      dimension: values.dimension,
    },
    datum: datum === null ? null : { ...datum, altM: datum.altM ?? NaN },
    frame: values.frame,
    calibration: values.calibration ?? null,
    sources: values.sources,
    localBudget: values.local_budget ?? null,
    checksums: values.checksums,
  };
}

export function toManifestRows(manifest: MapManifest): ManifestRows {
  const values: z.input<typeof rowsSchema> = {
    id: manifest.id,
    created: manifest.created,
    tool_version: manifest.toolVersion,
    model_name: manifest.model.name,
    model_sha256: manifest.model.sha256,
    model_input: manifest.model.input,
    dimension: manifest.model.dimension,
    datum: manifest.datum,
    frame: manifest.frame,
    calibration: manifest.calibration,
    sources: [...manifest.sources],
    local_budget: manifest.localBudget,
    checksums: manifest.checksums,
  };
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]));
}

export function toMapModel(model: ModelManifest): MapModel {
  return {
    name: model.name,
    sha256: model.onnx.sha256,
    input: model.input,
    dimension: model.descriptor.dimension,
  };
}

/** The manifest of a map that has no places yet. */
export function createMapManifest(
  model: MapModel,
  options: {
    readonly datum?: GeoPoint | null;
    readonly frame?: string;
    readonly created?: Date;
    /** Largest sum of the stored local features; unbounded unless given. */
    readonly localBudgetBytes?: number | undefined;
  } = {},
): MapManifest {
  const { localBudgetBytes } = options;
  return {
    id: randomUUID(),
    created: (options.created ?? new Date()).toISOString(),
    toolVersion: TOOL_VERSION,
    model,
    datum: options.datum ?? null,
    frame: options.frame ?? 'map',
    calibration: null,
    sources: [],
    localBudget: localBudgetBytes === undefined ? null : { bytes: localBudgetBytes, share: 1 },
    checksums: null,
  };
}
