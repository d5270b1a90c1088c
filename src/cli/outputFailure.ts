/**
 * @file The end of a command whose output cannot be written: without a word where the reader has gone, as Unix tools end in
 * `netvlad ... | head`; with one line where the disk under a redirection is full.
 */
import { EXIT } from './exitCodes.ts';

const failed = new AbortController();

/** Aborted once stdout or stderr cannot be written any more: work that is still under way has nobody to tell. */
export const outputFailure: AbortSignal = failed.signal;

function giveUp(error: NodeJS.ErrnoException): void {
  if (outputFailure.aborted) return;
  failed.abort();
  const isReaderGone = error.code === 'EPIPE';
  if (!isReaderGone) process.stderr.write(`error: The output cannot be written: ${error.message}\n`);
  // Whatever else the work comes to, this is what it ended with.
  process.once('exit', () => {
    process.exitCode = isReaderGone ? EXIT.closedPipe : EXIT.failed;
  });
}

/** Node.js ignores SIGPIPE, and a failed write is an event, which nobody's hearing would make a stack trace. */
export function watchOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners('error').includes(giveUp)) stream.on('error', giveUp);
  }
}
