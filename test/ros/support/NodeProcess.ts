/** @file The real node as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { readChildren, readCommand, until } from './processFacts.ts';
import { PROJECT } from './project.ts';

export interface NodeOptions {
  /** Name -> value, written as YAML. */
  readonly parameters?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** Further ROS arguments, e.g. `['-r', '__ns:=/robot']`. */
  readonly rosArguments?: readonly string[];
  /** Before `--ros-args`. */
  readonly programArguments?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

const LOG_PATIENCE_MS = 20_000;

/** What a failed test leaves behind must not keep the test process alive: the root hook ends it (benchmarks have none). */
const running = new Set<ChildProcess>();
if (typeof after === 'function') {
  after(() => {
    for (const node of running) {
      for (const worker of readChildren(node.pid!)) process.kill(worker, 'SIGKILL'); // it may have been stopped
      node.kill('SIGKILL');
    }
  });
}

export class NodeProcess {
  readonly #process: ChildProcess;
  readonly #exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly #listeners = new Set<() => void>();
  #log = '';

  private constructor(process: ChildProcess) {
    this.#process = process;
    running.add(process);
    process.once('exit', () => running.delete(process));
    this.#exited = once(process, 'exit').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
        for (const listener of this.#listeners) listener();
      });
    }
  }

  static start(options: NodeOptions = {}): NodeProcess {
    const { parameters = {}, programArguments = [], rosArguments = [], environment = {} } = options;
    const rules = Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}:=${JSON.stringify(value)}`]);
    const script = path.join(PROJECT, 'bin', 'localizer_node.js');
    return new NodeProcess(
      spawn(process.execPath, ['--expose-gc', script, ...programArguments, '--ros-args', ...rules, ...rosArguments], {
        env: { ...process.env, RCUTILS_COLORIZED_OUTPUT: '0', ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  /** Starts it and waits until it listens to its camera. */
  static async active(options: NodeOptions = {}): Promise<NodeProcess> {
    const node = NodeProcess.start(options);
    await node.logged(/Listening to/);
    return node;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** The process that recognizes, its only child. */
  async workerPid(): Promise<number> {
    // Between fork and exec a child is still its parent.
    return until("the node's worker", () =>
      readChildren(this.pid).find((pid) => readCommand(pid).includes('recognizer.worker')),
    );
  }

  get log(): string {
    return this.#log;
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  async logged(pattern: RegExp): Promise<string> {
    const find = (): string | undefined => pattern.exec(this.#log)?.[0];
    const found = find();
    if (found !== undefined) return found;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(listener);
        reject(new Error(`The node did not log ${String(pattern)}; it logged:\n${this.#log}`));
      }, LOG_PATIENCE_MS);
      const listener = (): void => {
        const match = find();
        if (match === undefined) return;
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(match);
      };
      this.#listeners.add(listener);
    });
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals = 'SIGINT'): Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly tookMs: number;
  }> {
    const started = performance.now();
    if (this.isAlive) this.#process.kill(signal);
    return { ...(await this.#exited), tookMs: performance.now() - started };
  }

  /** The exit of a process that ends by itself. */
  async exit(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
    return this.#exited;
  }
}
