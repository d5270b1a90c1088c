/** @file Runs the real command line as a child process, as a user does. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const NETVLAD = fileURLToPath(new URL('../../../bin/netvlad.js', import.meta.url));

export interface CommandRun {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Gets the means to end it once the process has been started. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
  readonly cwd?: string;
  /** No file may grow beyond it: what a full disk is to a process that writes. */
  readonly fileLimitKiB?: number;
}

/** Node.js ignores SIGXFSZ, so that the write itself fails. */
const LIMITED = 'ulimit -f "$0"; exec "$@"';

export async function runNetvlad(args: readonly string[], options: RunOptions = {}): Promise<CommandRun> {
  const command = [process.execPath, NETVLAD, ...args];
  const limit = options.fileLimitKiB;
  const [program, ...rest] = limit === undefined ? command : ['bash', '-c', LIMITED, String(limit), ...command];
  const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'], cwd: options.cwd });
  let [stdout, stderr] = ['', ''];
  options.onStart?.((signal) => {
    child.kill(signal);
  });
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, stdout, stderr };
}
