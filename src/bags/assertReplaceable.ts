/** @file Which recordings an output may replace: those that we wrote ourselves. */
import { open, stat, type FileHandle } from 'node:fs/promises';
import { NetvladError } from '../errors.ts';
import { toWriteFailure } from '../writeFailure.ts';

/** How an MCAP file of ours names its writer, before the version. */
export const LIBRARY = 'netvlad_localizer ';

/**
 * A mistyped name must not cost a drive: what we wrote can be made again, what a robot recorded cannot. Throws
 * NetvladError('bad-input') when `path` is there and not of our making, as a device or pipe is not.
 */
export async function assertReplaceable(path: string): Promise<void> {
  const facts = await stat(path).catch(() => null);
  if (facts !== null && !facts.isFile()) {
    throw new NetvladError('bad-input', `${path} exists and is no file: a recording cannot take its place.`, {
      hint: 'Name a file that may be replaced, or one that is not there.',
    });
  }
  const head = await readHead(path);
  if (head === null || head.length === 0 || isOurs(head)) return;
  throw new NetvladError('bad-input', `${path} exists and was not written by netvlad.`, {
    hint: 'Name another output file, or remove this one first.',
  });
}

/** Null where there is no file. */
async function readHead(path: string): Promise<Buffer | null> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw toWriteFailure(path, cause);
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    throw toWriteFailure(path, cause);
  } finally {
    await file.close();
  }
}

/** By the Header record, which follows the magic: opcode, length (uint64), then profile and library, each behind its uint32 length. */
function isOurs(head: Buffer): boolean {
  const profile = 8 + 1 + 8;
  if (head.length < profile + 4) return false;
  const library = profile + 4 + head.readUInt32LE(profile);
  return head.toString('utf8', library + 4, library + 4 + LIBRARY.length) === LIBRARY;
}
