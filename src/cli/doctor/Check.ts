/** @file What the doctor finds: one line a part of the machine, with the cure where something is wrong. */
import { describeError } from '../../errors.ts';

/** `warn`: works, or is only needed for some things. `fail`: something that every command needs does not work. */
export type CheckState = 'ok' | 'warn' | 'fail';

export interface Check {
  readonly name: string;
  readonly state: CheckState;
  /** What is there, or what is wrong with it. */
  readonly found: string;
  /** What to do about it; null when there is nothing to do. */
  readonly cure: string | null;
}

export function ok(name: string, found: string): Check {
  return { name, state: 'ok', found, cure: null };
}

export function warn(name: string, found: string, cure: string): Check {
  return { name, state: 'warn', found, cure };
}

export function fail(name: string, found: string, cure: string): Check {
  return { name, state: 'fail', found, cure };
}

/** Tries a part out: `work` uses it and says what it is. Whatever it throws becomes a `fail` with the cure. */
export async function attempt(name: string, cure: string, work: () => string | Promise<string>): Promise<Check> {
  try {
    return ok(name, await work());
  } catch (error) {
    return fail(name, describeError(error).split('\n')[0]!, cure);
  }
}

const LABELS: Readonly<Record<CheckState, string>> = { ok: 'OK  ', warn: 'WARN', fail: 'FAIL' };

export function countStates(checks: readonly Check[]): Readonly<Record<CheckState, number>> {
  const count = (state: CheckState): number => checks.filter((check) => check.state === state).length;
  return { ok: count('ok'), warn: count('warn'), fail: count('fail') };
}

export function formatChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, state, found, cure }) => [
    `${LABELS[state]}  ${name.padEnd(width)}  ${found}`,
    ...(cure === null ? [] : [`${' '.repeat(8 + width)}-> ${cure}`]),
  ]);
  const counts = countStates(checks);
  return [...lines, '', `${counts.ok} ok, ${counts.warn} to look at, ${counts.fail} failed`].join('\n');
}
