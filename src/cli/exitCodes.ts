/** @file Exit codes of every command (docs/cli.md). */
import { NetvladError, type ErrorCode } from '../errors.ts';

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  badInput: 3,
  interrupted: 130,
  /** 128 + SIGPIPE: what a shell tells of a tool whose reader has gone. */
  closedPipe: 141,
} as const;

const BY_CODE: Readonly<Record<ErrorCode, number>> = {
  usage: EXIT.usage,
  'bad-input': EXIT.badInput,
  model: EXIT.badInput,
  map: EXIT.badInput,
  environment: EXIT.failed,
  internal: EXIT.failed,
  interrupted: EXIT.interrupted,
};

export function exitCodeOf(error: unknown): number {
  return error instanceof NetvladError ? BY_CODE[error.code] : EXIT.failed;
}
