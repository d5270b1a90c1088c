/** @file The folder of a training run: config, seed, log, results. Never overwritten. */
import { appendFile, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify as toYaml } from 'yaml';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { TOOL_VERSION } from '../version.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';
import type { TrainConfig } from './trainConfig.ts';

const [CONFIG, LOG] = ['config.yaml', 'log.jsonl'];

export interface RunFolder {
  readonly path: string;
  /** Where the exported model goes. */
  readonly model: string;
  /** File of the `last` or `best` checkpoint. */
  checkpoint(which: 'last' | 'best'): string;
  /** Says in the folder what is run in it. */
  writeConfig(config: TrainConfig): Promise<void>;
  hasCheckpoint(which: 'last' | 'best'): Promise<boolean>;
  /** Appends a line to log.jsonl. */
  log(event: Readonly<Record<string, unknown>>): Promise<void>;
  /** All that was logged so far, by earlier sessions of the run too; a line that a full disk cut off is left out. */
  readLog(): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/**
 * Makes a new run folder with the config in it. Throws NetvladError('bad-input') when there is a run in it already: more than
 * the config, which is all that a run leaves that failed before it began, as without its backbone's weights.
 */
export async function createRunFolder(folder: string, config: TrainConfig): Promise<RunFolder> {
  await makeFolder(folder);
  const found = await readdir(folder);
  if (found.some((name) => name !== CONFIG)) {
    throw new NetvladError('bad-input', `Run folder ${folder} is not empty (${found.slice(0, 3).join(', ')}).`, {
      hint: 'A run is never overwritten: give a new folder.',
    });
  }
  const run = runFolderAt(folder);
  await run.writeConfig(config);
  return run;
}

/** Whether a run was begun in `folder`. */
export async function isRunFolder(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [] as string[])).includes(CONFIG);
}

/** Opens the folder of a run that is to go on. Throws NetvladError('bad-input') when it is none. */
export async function openRunFolder(folder: string): Promise<RunFolder> {
  if (!(await isRunFolder(folder))) {
    throw new NetvladError('bad-input', `${folder} is not a run folder: it has no ${CONFIG}.`, {
      hint: 'Give --out the folder of the run that was interrupted.',
    });
  }
  await endLastLine(path.join(folder, LOG));
  return runFolderAt(folder);
}

/** What a full disk cut off stays a line of its own: the next event is not written behind it. */
async function endLastLine(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text !== '' && !text.endsWith('\n')) await appendFile(file, '\n').catch(() => undefined); // log() says it
}

function parseLine(line: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    return [JSON.parse(line) as Record<string, unknown>];
  } catch {
    return [];
  }
}

function runFolderAt(folder: string): RunFolder {
  const logFile = path.join(folder, LOG);
  const checkpoint = (which: 'last' | 'best'): string => path.join(folder, 'checkpoints', `${which}.npz`);
  return {
    path: folder,
    model: path.join(folder, 'model'),
    checkpoint,
    writeConfig: (config) => {
      const header = `# netvlad_localizer ${TOOL_VERSION}: the config of this run, with its defaults\n`;
      return writeFileAtomically(path.join(folder, CONFIG), header + toYaml(config));
    },
    hasCheckpoint: async (which) =>
      (await readdir(path.join(folder, 'checkpoints')).catch(() => [] as string[])).includes(`${which}.npz`),
    log: async (event) => {
      try {
        await appendFile(logFile, `${JSON.stringify(event)}\n`);
      } catch (cause) {
        throw new NetvladError('environment', `${logFile} cannot be written: ${(cause as Error).message}.`, {
          hint: 'Free disk space and go on with --resume: the checkpoints are whole.',
          cause,
        });
      }
    },
    readLog: async () => {
      const text = await readFile(logFile, 'utf8').catch(() => '');
      return text.split('\n').flatMap(parseLine);
    },
  };
}
