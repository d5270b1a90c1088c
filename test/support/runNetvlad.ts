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
}

export async function runNetvlad(args: readonly string[], options: RunOptions = {}): Promise<CommandRun> {
  const child = spawn(process.execPath, [NETVLAD, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: options.cwd });
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
