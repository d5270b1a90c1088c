/** @file A whole file or nothing: written under a temporary name beside it, synced, renamed. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from './makeFolder.ts';
import { toWriteFailure } from './writeFailure.ts';

type Content = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** Replaces `path` once all content is on the disk. Makes its folder. Throws a NetvladError naming the path. */
export async function writeFileAtomically(path: string, content: Content): Promise<void> {
  const temporary = `${path}.${process.pid}.partial`;
  await makeFolder(dirname(path));
  try {
    await writeAndSync(temporary, content);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw toWriteFailure(path, cause);
  }
}

async function writeAndSync(path: string, content: Content): Promise<void> {
  const file = await open(path, 'w');
  try {
    const chunks = typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
    for await (const chunk of chunks) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}
