/** @file A whole file or nothing: written under a temporary name beside it, synced, renamed. */
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from './makeFolder.ts';
import { toWriteFailure } from './writeFailure.ts';

type Content = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/**
 * Replaces `path` once all content is on the disk. Makes its folder. A link stays, and what it leads to is replaced; a device or
 * pipe is written to as it is: a rename would put a file in the place of `/dev/null`. Throws a NetvladError naming the path.
 */
export async function writeFileAtomically(path: string, content: Content): Promise<void> {
  if (await isDeviceOrPipe(path)) {
    await writeAll(path, content).catch((cause: unknown) => {
      throw toWriteFailure(path, cause);
    });
    return;
  }
  await makeFolder(dirname(path));
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.${process.pid}.partial`;
  try {
    await writeAll(temporary, content);
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw toWriteFailure(path, cause);
  }
}

/** There, and neither file nor folder. */
async function isDeviceOrPipe(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => null);
  return facts !== null && !facts.isFile() && !facts.isDirectory();
}

async function writeAll(path: string, content: Content): Promise<void> {
  const file = await open(path, 'w');
  try {
    const chunks = typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
    for await (const chunk of chunks) await file.writeFile(chunk);
    if ((await file.stat()).isFile()) await file.sync(); // pipes and devices refuse it
  } finally {
    await file.close();
  }
}
