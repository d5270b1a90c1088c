/**
 * @file A table of training runs that differ in what the table says, on the same data with the same seed: one row a run,
 * recall with bootstrap intervals over the validation queries beside the chance level.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { NetvladError } from '../errors.ts';
import { computeBootstrapInterval, type Interval } from '../evaluation/statistics.ts';
import type { ByN } from '../evaluation/recall.ts';
import { createRandom } from '../math/random.ts';
import { computeRunDigest } from './checkpoint.ts';
import { toTrainConfig, type TrainConfig, type TrainingConfig } from './trainConfig.ts';
import type { TrainedModel } from './trainModel.ts';
import type { TrainingSet } from './trainingSet.ts';
import { computeValidationChance, type Hits } from './validate.ts';
import { countOf } from '../countOf.ts';

const ablationSchema = z.strictObject({
  /** Config that every run starts from, relative to this file. */
  base: z.string().min(1),
  /** Fields that replace those of the base in every run. */
  set: z.record(z.string(), z.unknown()).default({}),
  runs: z
    .array(
      z.strictObject({
        /** Row of the table and name of the run's folder. */
        name: z.string().regex(/^[A-Za-z0-9_ +-][A-Za-z0-9._ +-]*$/),
        /** Fields that replace those of the base in this run; objects are merged, everything else is replaced. */
        set: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .min(1),
});

/** Name of a run's folder beside the table. */
export function folderOf(name: string): string {
  return name.replaceAll(' ', '_');
}

export interface AblationRun {
  readonly name: string;
  readonly config: TrainConfig;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A pooling of another kind has other fields: it replaces the base's. */
function merge(base: unknown, change: unknown): unknown {
  if (!isFields(base) || !isFields(change)) return change;
  if ('kind' in change && change.kind !== base.kind) return change;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(change)) merged[key] = key in base ? merge(base[key], value) : value;
  return merged;
}

async function readYaml(file: string): Promise<unknown> {
  try {
    return parseYaml(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new NetvladError('bad-input', `${file} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

/** Reads the list of runs. Throws NetvladError('bad-input') naming file, run and field. */
export async function readAblation(file: string): Promise<readonly AblationRun[]> {
  const parsed = ablationSchema.safeParse(await readYaml(file));
  if (!parsed.success) {
    throw new NetvladError('bad-input', `Ablation ${file} does not fit: ${z.prettifyError(parsed.error)}`, {
      hint: 'config/train/ablation.yaml explains the fields.',
    });
  }
  const { base, set: ofAll, runs } = parsed.data;
  const folders = runs.map(({ name }) => folderOf(name));
  const repeated = folders.find((folder, i) => folders.indexOf(folder) !== i);
  if (repeated !== undefined) {
    throw new NetvladError('bad-input', `Ablation ${file} has two runs that are '${repeated}' as a folder.`, {
      hint: 'Give every run a name of its own.',
    });
  }
  const baseFile = path.resolve(path.dirname(file), base);
  const document = merge(await readYaml(baseFile), ofAll);
  return runs.map(({ name, set }) => {
    const config = toTrainConfig(merge(document, set), baseFile);
    if (config.training === undefined) {
      throw new NetvladError('bad-input', `Ablation ${file}, run '${name}': there is no section 'training'.`);
    }
    return { name, config };
  });
}

interface Intervals {
  readonly at1: Interval;
  readonly at5: Interval;
}

/** A row of the table. */
export interface AblationRow {
  readonly name: string;
  /** Digest of what was run: a row of an earlier session is kept while its config is the same. */
  readonly config: string;
  readonly dimension: number;
  readonly recall: ByN;
  readonly interval: Intervals;
  /** Of the queries turned into night, where the config asks for it; null for a row of the network in training. */
  readonly night: { readonly recall: ByN; readonly interval: Intervals } | null;
  /** Before the first step; null for a row of the exported model, which there is only then. */
  readonly initial: ByN | null;
  readonly epochs: number;
}

export interface AblationTable {
  readonly data: string;
  /** Whose queries: test queries where the config has roles for them, else those that chose the epoch. */
  readonly measured: 'test' | 'validation';
  /** Their condition; null: of all. */
  readonly queryCondition: string | null;
  readonly queries: number;
  readonly database: number;
  readonly radiusM: number;
  readonly chance: ByN;
  readonly rows: readonly AblationRow[];
}

/** Interval of a share; the draws depend on the seed alone. */
function intervalOf(hits: readonly boolean[], seed: number): Interval {
  return computeBootstrapInterval(hits.map(Number), createRandom(seed).fork('bootstrap'));
}

/** The run's row; with whitening another one of the exported model, with the dimensions that are deployed. */
export function toAblationRows({ name, config }: AblationRun, trained: TrainedModel): readonly AblationRow[] {
  const { epochs, dimension, exportedRecall: exported } = trained;
  const { best, initial, hits } = trained.test ?? trained.validation;
  const interval = (of: Hits): Intervals => ({
    at1: intervalOf(of.at1, config.seed),
    at5: intervalOf(of.at5, config.seed),
  });
  const facts = { config: computeRunDigest(config), epochs };
  const row: AblationRow = {
    ...{ name, ...facts, dimension, initial, night: null },
    ...{ recall: best, interval: interval(hits) },
  };
  if (exported === null) return [row];
  const { night } = exported;
  const exportedRow: AblationRow = {
    ...{ name: `${name}, exported`, ...facts, dimension: exported.dimension, initial: null },
    ...{ recall: exported.recall, interval: interval(exported.hits) },
    night: night && { recall: night.recall, interval: interval(night.hits) },
  };
  return [row, exportedRow];
}

/** The table that an earlier session left in `file`; null where there is none. */
export async function readAblationTable(file: string): Promise<AblationTable | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as AblationTable;
  } catch {
    return null;
  }
}

/** Rows of a run that an earlier session finished; none: it must be run. */
export function findFinished(table: AblationTable | null, { name, config }: AblationRun): readonly AblationRow[] {
  const digest = computeRunDigest(config);
  const ofRun = (row: AblationRow): boolean => row.name === name || row.name === `${name}, exported`;
  return table?.rows.filter((row) => row.config === digest && ofRun(row)) ?? [];
}

/** What the table's recalls are of. */
export function describeMeasured(
  { test, validation }: TrainingSet,
  { queryCondition, validationRadiusM }: TrainingConfig,
): Omit<AblationTable, 'data' | 'rows'> {
  const { truth, database } = test ?? validation;
  return {
    measured: test === null ? 'validation' : 'test',
    queryCondition,
    queries: truth.filter((positives) => positives.size > 0).length,
    database: database.length,
    radiusM: validationRadiusM,
    chance: computeValidationChance(test ?? validation),
  };
}

const percent = (value: number | undefined): string => (100 * (value ?? NaN)).toFixed(1);

/** The table as Markdown. */
export function renderAblation(table: AblationTable): string {
  const within = (interval: Interval): string => `${percent(interval.low)}–${percent(interval.high)}`;
  const pair = ({ recall, interval }: Pick<AblationRow, 'recall' | 'interval'>): string =>
    `${percent(recall[1])} (${within(interval.at1)}) | ${percent(recall[5])} (${within(interval.at5)})`;
  const hasNight = table.rows.some(({ night }) => night !== null);
  const lines = table.rows.map((row) => {
    const { name, dimension, recall, initial, night, epochs } = row;
    const atNight = hasNight ? ` ${night === null ? ' | ' : pair(night)} |` : '';
    return `| ${name} | ${dimension} | ${pair(row)} | ${percent(recall[10])} |${atNight} ${initial === null ? '' : percent(initial[1])} | ${epochs} |`;
  });
  const condition = table.queryCondition === null ? '' : `${table.queryCondition} `;
  const queries = countOf(
    table.queries,
    `${condition}${table.measured} query`,
    `${condition}${table.measured} queries`,
  );
  const nightColumns = hasNight ? ' R@1, queries turned into night | R@5, likewise |' : '';
  return [
    `Recall@N in % within ${table.radiusM} m on ${queries} against ${countOf(table.database, 'image')} of ${table.data}; 95 % intervals by bootstrap over the queries. Chance: ${percent(table.chance[1])} / ${percent(table.chance[5])} / ${percent(table.chance[10])}.`,
    '',
    `| run | dimensions | R@1 | R@5 | R@10 |${nightColumns} R@1 untrained | epochs |`,
    `|---|---|---|---|---|${hasNight ? '---|---|' : ''}---|---|`,
    ...lines,
    '',
  ].join('\n');
}
