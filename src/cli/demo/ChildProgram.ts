/** @file Programs that the demonstration starts: their output, their end, and no orphans. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { NetvladError } from '../../errors.ts';

/** After SIGINT a program has this long before it is killed. */
const GRACE_MS = 4000;
const KEPT_LINES = 400;

interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class ChildProgram {
  readonly ended: Promise<ChildEnd>;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];

  /** `onLine` hears of every line on stdout and stderr; without it they are only kept. */
  constructor(command: readonly string[], onLine: (line: string) => void = () => undefined) {
    const [program, ...rest] = command;
    // a group of its own: Ctrl-C in the terminal reaches only us, and we end the others in order
    this.#process = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        if (this.#lines.length > KEPT_LINES) this.#lines.shift();
        onLine(line);
      });
    }
    this.ended = once(this.#process, 'exit').then(([code, signal]) => {
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** All that it said, up to some hundred lines. */
  get log(): readonly string[] {
    return this.#lines;
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.#process.kill('SIGINT');
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), GRACE_MS);
    await this.ended.catch(() => undefined);
    clearTimeout(killer);
  }
}

/** Runs a program to its end with its output on ours; an interruption ends it too. Throws when it fails. */
export async function runToEnd(command: readonly string[], signal: AbortSignal): Promise<void> {
  const [program, ...rest] = command;
  const child = spawn(program!, rest, { stdio: ['ignore', 2, 2], detached: true });
  const onAbort = (): void => {
    child.kill('SIGINT');
  };
  signal.addEventListener('abort', onAbort);
  const [code] = (await once(child, 'exit')) as [number | null];
  signal.removeEventListener('abort', onAbort);
  signal.throwIfAborted();
  if (code !== 0) {
    throw new NetvladError('environment', `A step of the demonstration failed (exit code ${code}): ${rest.join(' ')}`, {
      hint: 'What it said stands above.',
    });
  }
}
