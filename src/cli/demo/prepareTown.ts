/** @file The rendered town of the demonstration, made once and kept until the renderer changes. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runToEnd } from './ChildProgram.ts';

const OPTIONS = ['--seed', '2', '--frames', '140', '--conditions', 'day,dusk', '--excursion', '--size', '640x480'];

/** The compiled renderer and the options decide every byte of the town. */
async function computeKey(project: string): Promise<string> {
  const hash = createHash('sha256').update(OPTIONS.join(' '));
  const folder = join(project, 'dist', 'src', 'simulation');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.js')).sort();
  for (const name of names) hash.update(await readFile(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}

/** Paths of the data set and of the second traverse's recording. */
export async function prepareTown(
  project: string,
  announce: (command: readonly string[]) => void,
  signal: AbortSignal,
): Promise<{ readonly data: string; readonly bag: string; readonly isCached: boolean }> {
  const folder = join(project, '.cache', 'demo', `town-${await computeKey(project)}`);
  const [data, bag] = [join(folder, 'town'), join(folder, 'drive.mcap')];
  if (existsSync(join(data, 'index.csv')) && existsSync(bag)) return { data, bag, isCached: true };
  const command = [process.execPath, 'bin/netvlad.js', 'simulate', '--out', data, '--bag', bag, ...OPTIONS];
  announce(command);
  await runToEnd(command, signal);
  return { data, bag, isCached: false };
}
