/** @file Which images of a source are wanted: `--role` and `--condition`. */
import { NetvladError } from '../errors.ts';

export interface SourceSelection {
  /** Only images of this role (or, in a CSV source, of this split). */
  readonly role?: string | undefined;
  readonly condition?: string | undefined;
}

/** What a source would answer to a selection: the values that occur in it. */
export interface SelectableValues {
  readonly role: ReadonlySet<string>;
  readonly condition: ReadonlySet<string>;
}

function listValues(values: ReadonlySet<string>): string {
  return values.size === 0 ? 'it names none' : `it has ${[...values].sort().join(', ')}`;
}

/** Throws when a selection names a value that does not occur in the source. */
export function assertSelectable(source: string, selection: SourceSelection, values: SelectableValues): void {
  for (const key of ['role', 'condition'] as const) {
    const wanted = selection[key];
    if (wanted === undefined || values[key].has(wanted)) continue;
    throw new NetvladError('bad-input', `${source} has no image of ${key} '${wanted}': ${listValues(values[key])}.`, {
      hint: `Choose one with --${key}, or leave the option out to take every image.`,
      details: { lacking: key },
    });
  }
}

/** The error of a source in which nothing is left to read. */
export function emptySourceError(source: string, expected: string): NetvladError {
  return new NetvladError('bad-input', `${source} holds no images.`, { hint: `Expected: ${expected}.` });
}

/** `, role query, condition night`, or nothing: for descriptions. */
export function describeSelection(selection: SourceSelection): string {
  const role = selection.role === undefined ? '' : `, role ${selection.role}`;
  return `${role}${selection.condition === undefined ? '' : `, condition ${selection.condition}`}`;
}
