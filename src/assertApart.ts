/** @file No output over an input: the work would end by destroying what it was about. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { NetvladError } from './errors.ts';

export interface NamedPath {
  /** As the user knows it: `--out`, `the recording`. */
  readonly name: string;
  /** Undefined = not given. What is no path (a topic, `none`) is none of the files. */
  readonly path: string | undefined;
}

/** The files that an option writes into its folder; none where it was not given. */
export function filesIn(name: string, folder: string | undefined, files: readonly string[]): readonly NamedPath[] {
  return folder === undefined ? [] : files.map((file) => ({ name, path: join(folder, file) }));
}

/** A folder is read by these; a further one would be read with it the next time. */
const READ_IN_FOLDERS = /\.(mcap|db3|bag)(\.zstd)?$|^(metadata\.yaml|(index|split)\.csv)$/;

/**
 * Throws NetvladError('usage') when an output is a file that an input is, or one by which a folder among the inputs is read, or that
 * another output is. Links do not hide it.
 */
export async function assertApart(outputs: readonly NamedPath[], inputs: readonly NamedPath[]): Promise<void> {
  const sources = await resolveAll(inputs);
  const targets = await resolveAll(outputs);
  for (const [at, { name, path, real }] of targets.entries()) {
    const source = sources.find((each) => isPartOf(real, each.real));
    const other = targets.slice(0, at).find((each) => each.real === real);
    if (source === undefined && other === undefined) continue;
    const whose = source === undefined ? `${other!.name} writes as well` : `belongs to ${source.name} ${source.path}`;
    throw new NetvladError('usage', `${name} would write ${path}, which ${whose}.`, {
      hint: 'Give the results another name or folder.',
    });
  }
}

/** Those that were given and can be there. */
async function resolveAll(
  paths: readonly NamedPath[],
): Promise<readonly { readonly name: string; readonly path: string; readonly real: string }[]> {
  const resolved = await Promise.all(
    paths.map(async ({ name, path }) => {
      const real = path === undefined ? null : await toRealPath(path);
      return path === undefined || real === null ? [] : [{ name, path, real }];
    }),
  );
  return resolved.flat();
}

function isPartOf(target: string, source: string): boolean {
  return target === source || (dirname(target) === source && READ_IN_FOLDERS.test(basename(target)));
}

/** Also of a file that is still to be written; null where not even its folder is there. */
async function toRealPath(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch {
    const folder = await realpath(dirname(path)).catch(() => null);
    return folder === null ? null : join(folder, basename(path));
  }
}
