/** @file A file that lists images, read as a whole. */
import { readFile, stat } from 'node:fs/promises';
import { NetvladError } from '../errors.ts';

/** Throws `bad-input` on what is no file: a named pipe would be waited for, a device read without end. */
export async function readSourceFile(path: string): Promise<Buffer> {
  const facts = await stat(path);
  if (facts.isFile()) return readFile(path);
  throw new NetvladError('bad-input', `${path} is ${facts.isDirectory() ? 'a folder' : 'a pipe or a device'}.`, {
    hint: 'Save the list of images as a file and name that.',
  });
}
