/** @file Images listed in a CSV file, with whatever its columns know of them. */
import { dirname, isAbsolute, join } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { NetvladError } from '../errors.ts';
import { CSV_COLUMNS, parseCsvRow, type CsvRow } from './csvRows.ts';
import type { DatasetProblem, GeotaggedImage, GeotaggedImageSource } from './GeotaggedImage.ts';
import { reportMissingFiles } from './imageFiles.ts';
import { readSourceFile } from './readSourceFile.ts';
import { assertSelectable, describeSelection, emptySourceError, type SourceSelection } from './SourceSelection.ts';
import { countOf } from '../countOf.ts';

interface CsvTable {
  readonly columns: readonly string[];
  /** Line numbers of the file beside the cells. */
  readonly rows: readonly { readonly line: number; readonly cells: readonly string[] }[];
}

function parseCsv(path: string, text: string): CsvTable {
  try {
    const options = { bom: true, trim: true, skip_empty_lines: true, relax_column_count: true, info: true } as const;
    const records = parse(text, options) as unknown as { record: string[]; info: { lines: number } }[];
    const [header, ...rows] = records;
    return {
      columns: header?.record ?? [],
      rows: rows.map(({ record, info }) => ({ line: info.lines, cells: record })),
    };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new NetvladError('bad-input', `${path} is not a CSV file that can be read: ${error.message}`, {
      cause: error,
    });
  }
}

function assertColumns(path: string, columns: readonly string[]): void {
  if (columns.length === 0) throw emptySourceError(path, 'a header line and one line for each image');
  const missing = (column: string, because: string): NetvladError =>
    new NetvladError(
      'bad-input',
      `${path} has no column '${column}'${because}; its columns are: ${columns.join(', ')}.`,
      {
        hint: `The first line of a CSV source names its columns, of: ${CSV_COLUMNS.join(',')}.`,
      },
    );
  if (!columns.includes('file')) throw missing('file', '');
  for (const [a, b] of [
    ['lat', 'lon'],
    ['x_m', 'y_m'],
  ] as const) {
    if (columns.includes(a) !== columns.includes(b)) {
      const [found, wanted] = columns.includes(a) ? [a, b] : [b, a];
      throw missing(wanted, `, which column '${found}' needs`);
    }
  }
}

function toRow(columns: readonly string[], cells: readonly string[]): CsvRow {
  return Object.fromEntries(columns.map((column, at) => [column, cells[at]]));
}

/** `split.csv` beside the CSV (columns file, split): file -> split. Selecting a split works like selecting a role. */
async function readSplits(folder: string): Promise<ReadonlyMap<string, string>> {
  const path = join(folder, 'split.csv');
  let text: string;
  try {
    text = (await readSourceFile(path)).toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
  const { columns, rows } = parseCsv(path, text);
  const [file, split] = [columns.indexOf('file'), columns.indexOf('split')];
  if (file < 0 || split < 0) {
    throw new NetvladError('bad-input', `${path} must have the columns file and split; it has: ${columns.join(', ')}.`);
  }
  return new Map(rows.map(({ cells }) => [cells[file] ?? '', cells[split] ?? '']));
}

interface ListedImage {
  readonly row: CsvRow;
  readonly line: number;
  readonly split: string | null;
}

function select(listed: readonly ListedImage[], { role, condition }: SourceSelection): readonly ListedImage[] {
  return listed.filter(
    ({ row, split }) =>
      (role === undefined || row.role === role || split === role) &&
      (condition === undefined || row.condition === condition),
  );
}

/**
 * Opens a CSV source. The file is read at once, so that wrong columns are told before any work; wrong rows and missing
 * images are problems within the stream. A split that was selected is the role of its images.
 */
export async function openCsvSource(path: string, selection: SourceSelection = {}): Promise<GeotaggedImageSource> {
  const folder = dirname(path);
  const { columns, rows } = parseCsv(path, (await readSourceFile(path)).toString());
  assertColumns(path, columns);
  const splits = await readSplits(folder);
  const listed = rows.map(({ line, cells }): ListedImage => {
    const row = toRow(columns, cells);
    return { row, line, split: splits.get(row.file ?? '') ?? null };
  });
  const filled = (values: readonly (string | null | undefined)[]): Set<string> =>
    new Set(values.filter((value): value is string => Boolean(value)));
  if (listed.length === 0) throw emptySourceError(path, 'a header line and one line for each image');
  assertSelectable(path, selection, {
    role: filled(listed.flatMap(({ row, split }) => [row.role, split])),
    condition: filled(listed.map(({ row }) => row.condition)),
  });
  const selected = select(listed, selection);
  if (selected.length === 0) {
    throw new NetvladError(
      'bad-input',
      `${path} has no image that is of role '${selection.role}' and condition '${selection.condition}' at once.`,
    );
  }
  return createCsvStream(path, selected, selection);
}

function createCsvStream(
  path: string,
  selected: readonly ListedImage[],
  selection: SourceSelection,
): GeotaggedImageSource {
  const folder = dirname(path);
  const lines = new Map(selected.map(({ row, line }) => [row.file, line]));
  function* items(): Generator<GeotaggedImage | DatasetProblem> {
    const seen = new Set<string>();
    for (const { row, line } of selected) {
      const where = `${path} line ${line}`;
      const file = row.file ?? '';
      if (file === '') {
        yield { problem: 'Column file is empty.', where };
      } else if (seen.has(file)) {
        yield { problem: `The image ${file} is listed a second time.`, where };
      } else {
        seen.add(file);
        const image = parseCsvRow(row, isAbsolute(file) ? file : join(folder, file));
        if (typeof image === 'string') yield { problem: image, where };
        else yield selection.role === undefined ? image : { ...image, role: selection.role };
      }
    }
  }
  return {
    description: `CSV ${path} (${countOf(selected.length, 'image')}${describeSelection(selection)})`,
    count: selected.length,
    [Symbol.asyncIterator]: () =>
      reportMissingFiles(items(), (image) => `${path} line ${lines.get(image.name) ?? '?'}`),
  };
}
