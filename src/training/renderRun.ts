/** @file The page of a training run: its curves, its numbers, its settings; one file that needs nothing else. */
import type { ByN } from '../evaluation/recall.ts';
import { renderReport } from '../evaluation/report/renderReport.ts';
import type { CurveChart, FactGroup } from '../evaluation/report/ReportDocument.ts';
import type { TrainConfig } from './trainConfig.ts';
import type { EpochReport } from './Trainer.ts';
import { countOf } from '../countOf.ts';

export interface RunPage {
  readonly config: TrainConfig;
  readonly dataDescription: string;
  readonly validationQueries: number;
  readonly initial: ByN;
  readonly chance: ByN;
  /** Recall of the test queries, once the run has ended; null before, and where there are none. */
  readonly test: { readonly initial: ByN; readonly best: ByN } | null;
  /** All epochs of the run so far, resumed ones included. */
  readonly reports: readonly EpochReport[];
}

const percent = (fraction: number | undefined): string => `${(100 * (fraction ?? NaN)).toFixed(1)} %`;

type Point = readonly [number, number];

function curvesOf({ reports, initial }: RunPage): CurveChart[] {
  const series = (name: string, of: (report: EpochReport) => number): { name: string; points: readonly Point[] } => ({
    name,
    points: reports.map((report): Point => [report.epoch, of(report)]),
  });
  const recall = (n: number): { name: string; points: readonly Point[] } => {
    const { name, points } = series(`recall@${n}`, (report) => 100 * (report.recall[n] ?? NaN));
    return { name, points: [[0, 100 * (initial[n] ?? NaN)], ...points] };
  };
  return [
    {
      title: 'Validation recall',
      note: 'Epoch 0 is the start. The best recall@5 decides which epoch is exported, recall@1 between equals.',
      ...{ xLabel: 'epoch', yLabel: '% of queries', series: [recall(1), recall(5), recall(10)] },
    },
    {
      title: 'Loss a query',
      note: 'Sum of the hinges, queries without a violating negative counting zero. It may rise while recall rises: mining gets harder.',
      ...{ xLabel: 'epoch', yLabel: 'loss', series: [series('loss', (report) => report.lossPerQuery)] },
    },
    {
      title: 'What there is to learn',
      note: 'Queries with a violating negative by the cache, and triplets that still violate with the weights of their step.',
      ...{ xLabel: 'epoch', yLabel: '%' },
      series: [
        series('active queries', (report) => (100 * report.active) / report.queries),
        series('violating triplets', (report) => 100 * report.violatingShare),
      ],
    },
  ];
}

const sayValue = (value: unknown): string =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.join(', ') : JSON.stringify(value);

/** Leaves of a nested setting, `roles.queries` for one in another. */
function flatten(fields: object, prefix = ''): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]: [string, unknown]): [string, string][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flatten(value, `${prefix}${name}.`)
      : [[`${prefix}${name}`, sayValue(value)]],
  );
}

/** One table for the plain settings, one for each section of the config. */
function settingsOf(config: TrainConfig): FactGroup[] {
  const isSection = ([, value]: readonly [string, unknown]): boolean => typeof value === 'object' && value !== null;
  const entries = Object.entries(config);
  const plain = entries.filter((entry) => !isSection(entry));
  return [
    { title: 'Settings', rows: plain.map(([name, value]): [string, string] => [name, sayValue(value)]) },
    ...entries.filter(isSection).map(([name, value]) => ({ title: name, rows: flatten(value as object) })),
  ];
}

/** The page's HTML. */
export function renderRun(page: RunPage): string {
  const { config, reports, initial, chance, test } = page;
  const best = reports.findLast(({ isBest }) => isBest);
  const last = reports.at(-1);
  const headline = [
    {
      label: 'best recall@5',
      value: percent(best?.recall[5]),
      detail: `epoch ${best?.epoch ?? '-'}, start ${percent(initial[5])}`,
    },
    {
      label: 'recall@1 then',
      value: percent(best?.recall[1]),
      detail: `start ${percent(initial[1])}, chance ${percent(chance[1])}`,
    },
    ...(test === null
      ? []
      : [{ label: 'test recall@1', value: percent(test.best[1]), detail: `start ${percent(test.initial[1])}` }]),
    { label: 'epochs', value: String(last?.epoch ?? 0), detail: `${(last?.seconds ?? 0).toFixed(0)} s the last one` },
    {
      label: 'loss a query',
      value: (last?.lossPerQuery ?? NaN).toFixed(4),
      detail: `first epoch ${(reports[0]?.lossPerQuery ?? NaN).toFixed(4)}`,
    },
  ];
  return renderReport({
    title: `Training of ${config.name}`,
    subtitle: `${page.dataDescription}; ${countOf(page.validationQueries, 'validation query', 'validation queries')}`,
    headline,
    ...{ recall: null, acceptance: [], reliability: null, errors: [], trajectory: null, timings: [], losses: [] },
    ...{ failures: [], successes: [], curves: curvesOf(page) },
    facts: settingsOf(config),
  });
}
