/** @file Ground truth that somebody wrote down: query -> database images, as JSON or as hloc's pairs file. */
import { z } from 'zod';
import type { GroundTruth } from './recall.ts';

/** Query (name or index) -> database images (names or indices). */
export type ImagePairs = ReadonlyMap<string, readonly (string | number)[]>;

const listSchema = z.array(z.union([z.string(), z.int().nonnegative()]));
const jsonSchema = z.union([z.record(z.string(), listSchema), z.array(listSchema)]);

/**
 * JSON: `{"query": ["database", ...]}` or `[[database, ...], ...]` in query order, images by name or by index in their
 * source. Text (hloc): one `query database` a line. Throws an Error that names what does not fit.
 */
export function parsePairs(text: string): ImagePairs {
  if (/^\s*[[{]/.test(text)) {
    const document = jsonSchema.parse(JSON.parse(text));
    return new Map(Object.entries(document));
  }
  const pairs = new Map<string, string[]>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '') return;
    const [query, database, ...rest] = line.trim().split(/\s+/);
    if (query === undefined || database === undefined || rest.length > 0) {
      throw new Error(`line ${index + 1}: expected \`query database\`, got \`${line.trim()}\``);
    }
    pairs.set(query, [...(pairs.get(query) ?? []), database]);
  });
  return pairs;
}

/** Name -> index; a number, or a text that is no image's name, is taken as the index itself. */
function createResolver(names: readonly string[]): (reference: string | number) => number | null {
  const byName = new Map(names.map((name, index) => [name, index]));
  return (reference) => {
    const named = typeof reference === 'string' ? byName.get(reference) : undefined;
    if (named !== undefined) return named;
    const index = Number(reference);
    return Number.isInteger(index) && index >= 0 && index < names.length ? index : null;
  };
}

export interface PairTruth {
  readonly truth: GroundTruth;
  /** References that name no image; with them the numbers would be wrong in silence. */
  readonly unknown: readonly string[];
}

export function computePairTruth(
  pairs: ImagePairs,
  queries: readonly string[],
  database: readonly string[],
): PairTruth {
  const truth = queries.map(() => new Set<number>());
  const unknown: string[] = [];
  const [queryOf, rowOf] = [createResolver(queries), createResolver(database)];
  for (const [query, references] of pairs) {
    const index = queryOf(query);
    if (index === null) unknown.push(`query ${query}`);
    for (const reference of references) {
      const row = rowOf(reference);
      if (row === null) unknown.push(`database ${reference}`);
      else if (index !== null) truth[index]!.add(row);
    }
  }
  return { truth, unknown };
}
