/** @file What a write that failed says: the path, the system's own words, what to do. */
import { NetvladError } from './errors.ts';

/** NetvladError('bad-input') of what the system refused; anything else is handed back as it is. */
export function toWriteFailure(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !('syscall' in cause)) return cause;
  return new NetvladError('bad-input', `${path} cannot be written: ${cause.message}.`, {
    hint: 'Choose an output path in a folder that you may write to, on a disk with space.',
    cause,
  });
}
