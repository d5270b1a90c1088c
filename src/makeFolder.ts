/** @file Makes the folder that results go into. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { NetvladError } from './errors.ts';

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes `folder` and those above it that are missing. Throws NetvladError('bad-input') where that cannot be.
 *
 * One by one from the nearest that exists: the recursive mkdir of Node.js 20 never returns below a folder that takes no new
 * entries, as /proc.
 */
export async function makeFolder(folder: string): Promise<void> {
  const missing: string[] = [];
  let above = resolve(folder);
  for (; !(await exists(above)); above = dirname(above)) missing.unshift(above);
  try {
    if (!(await stat(above)).isDirectory()) throw new Error(`${above} is a file`);
    for (const path of missing) {
      await mkdir(path).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // somebody else has just made it
      });
    }
  } catch (cause) {
    throw new NetvladError('bad-input', `The folder ${folder} cannot be made: ${(cause as Error).message}.`, {
      hint: 'Choose an output path in a folder that you may write to.',
      cause,
    });
  }
}
