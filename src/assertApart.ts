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

/** A folder is read by these; a further one would be read with it the next time. */
const READ_IN_FOLDERS = /\.(mcap|db3|bag)(\.zstd)?$|^(metadata\.yaml|(index|split)\.csv)$/;

/**
 * Throws NetvladError('usage') when an output is a file that an input is, or one by which a folder among the inputs is read. Links
 * do not hide it.
 */
export async function assertApart(outputs: readonly NamedPath[], inputs: readonly NamedPath[]): Promise<void> {
  const sources = await Promise.all(
    inputs.map(async (input) => ({ ...input, real: input.path === undefined ? null : await toRealPath(input.path) })),
  );
  for (const { name, path } of outputs) {
    const target = path === undefined ? null : await toRealPath(path);
    const source = target === null ? undefined : sources.find(({ real }) => real !== null && isPartOf(target, real));
    if (path === undefined || source === undefined) continue;
    throw new NetvladError('usage', `${name} would write ${path}, which belongs to ${source.name} ${source.path!}.`, {
      hint: 'Give the results another name or folder.',
    });
  }
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
