/** @file Progress on stderr: a live bar with rate and time left on a terminal, a line now and then otherwise. */
import type { Progress } from '../Progress.ts';

const BAR_WIDTH = 24;
const TERMINAL_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 5000;

/** Seconds as `1:05` or `2:03:04`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

function describe(label: string, done: number, total: number | null, elapsedS: number, note: string): string {
  const rate = elapsedS > 0 ? done / elapsedS : 0;
  const suffix = note === '' ? '' : `  ${note}`;
  if (total === null) return `${label} ${done}  ${rate.toFixed(1)}/s${suffix}`;
  const left = rate > 0 ? formatDuration((total - done) / rate) : '--:--';
  return `${label} ${done}/${total}  ${rate.toFixed(1)}/s  ${left} left${suffix}`;
}

function bar(done: number, total: number): string {
  const filled = Math.min(BAR_WIDTH, Math.round((done / Math.max(1, total)) * BAR_WIDTH));
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] `;
}

/** Cut to the terminal's width: a line that wraps cannot be drawn over. */
function fit(line: string, columns: number | undefined): string {
  return columns === undefined || columns === 0 ? line : line.slice(0, columns - 1);
}

const CLEAR_LINE = '\r\x1b[2K';
/** The terminal whose last line is a bar. */
let drawnOn: NodeJS.WriteStream | null = null;

/** Takes a bar away, so that a message gets a line of its own; the next update draws it again. */
export function clearProgress(): void {
  drawnOn?.write(CLEAR_LINE);
  drawnOn = null;
}

/** Creates a progress display for one piece of work, named by `label`. */
export function createTerminalProgress(label: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  const started = performance.now();
  const interactive = stream.isTTY;
  let shownAt = interactive ? -Infinity : started;
  let last = { done: 0, total: null as number | null, note: '' };
  const text = (): string => describe(label, last.done, last.total, (performance.now() - started) / 1000, last.note);
  return {
    update(done, total, note = '') {
      last = { done, total, note };
      const now = performance.now();
      if (now - shownAt < (interactive ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS)) return;
      shownAt = now;
      if (!interactive) {
        stream.write(`${text()}\n`);
        return;
      }
      stream.write(`${CLEAR_LINE}${fit(`${total === null ? '' : bar(done, total)}${text()}`, stream.columns)}`);
      drawnOn = stream;
    },
    finish(note = '') {
      const elapsed = formatDuration((performance.now() - started) / 1000);
      const summary = `${label}: ${last.done} in ${elapsed}${note === '' ? '' : `  ${note}`}\n`;
      clearProgress();
      stream.write(summary);
    },
  };
}
