/** @file The frame around every command: interruption, errors, exit codes, `--json`. Commands hold the work alone. */
import { NetvladError } from '../errors.ts';
import type { Logger } from '../Logger.ts';
import type { Progress } from '../Progress.ts';
import { EXIT, exitCodeOf } from './exitCodes.ts';
import { outputFailure } from './outputFailure.ts';
import { clearProgress, createTerminalProgress } from './terminalProgress.ts';

/** What a command gets beside its own options. */
export interface CommandContext {
  /** Aborted at the first Ctrl-C; long work must look at it and leave nothing half-written. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly json: boolean;
  progress(label: string): Progress;
  /** Prints the result on stdout: the document with `--json`, the text otherwise. */
  output(document: unknown, text: string): void;
}

/** Messages and progress share the terminal. */
function say(text: string): void {
  clearProgress();
  process.stderr.write(`${text}\n`);
}

const stderrLogger: Logger = {
  debug: (message) => {
    if (process.env.NETVLAD_DEBUG !== undefined) say(`debug: ${message}`);
  },
  info: say,
  warn: (message) => {
    say(`warning: ${message}`);
  },
  error: (message) => {
    say(`error: ${message}`);
  },
};

/** JSON with bigint as decimal strings and NaN as null. */
export function toJson(document: unknown): string {
  return JSON.stringify(document, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2);
}

function reportFailure(error: unknown, asJson: boolean): void {
  const known = error instanceof NetvladError;
  const message = error instanceof Error ? error.message : String(error);
  say(`error: ${message}`);
  if (known && error.hint !== undefined) say(`  ${error.hint}`);
  if (!known && error instanceof Error && error.stack !== undefined) say(error.stack);
  if (asJson) {
    const code = known ? error.code : 'internal';
    const hint = known ? (error.hint ?? null) : null;
    process.stdout.write(`${toJson({ error: { code, message, hint, details: known ? error.details : {} } })}\n`);
  }
}

/**
 * Runs a command's work and sets the process's exit code. The first SIGINT or SIGTERM aborts `context.signal`, as does output
 * that cannot be written; a second signal ends the process at once.
 */
export async function runCommand(
  options: { readonly json?: boolean | undefined },
  work: (context: CommandContext) => Promise<void> | void,
): Promise<void> {
  const abort = new AbortController();
  const json = options.json === true;
  let isAnswered = false;
  const onSignal = (): void => {
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort(new NetvladError('interrupted', 'Interrupted.'));
  };
  const onOutputFailure = (): void => {
    abort.abort(new NetvladError('interrupted', 'The output cannot be written.'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  outputFailure.addEventListener('abort', onOutputFailure);
  try {
    await work({
      signal: abort.signal,
      logger: stderrLogger,
      json,
      progress: (label) => createTerminalProgress(label),
      output: (document, text) => {
        isAnswered = true;
        process.stdout.write(json ? `${toJson(document)}\n` : text === '' ? '' : `${text}\n`);
      },
    });
  } catch (error) {
    if (outputFailure.aborted) return;
    reportFailure(error, json && !isAnswered); // one document: what was answered holds what is wrong with it
    process.exitCode = abort.signal.aborted ? EXIT.interrupted : exitCodeOf(error);
  } finally {
    outputFailure.removeEventListener('abort', onOutputFailure);
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
