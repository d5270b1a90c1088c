import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../src/makeFolder.ts';

describe('makeFolder', () => {
  let root: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'folders-'));
    await writeFile(join(root, 'file'), '');
  });

  after(() => rm(root, { recursive: true }));

  it('makes what is missing, and leaves what is there', async () => {
    const folder = join(root, 'a', 'b', 'c');
    await Promise.all([makeFolder(folder), makeFolder(folder)]);
    await makeFolder(folder);
    assert.ok((await stat(folder)).isDirectory());
  });

  for (const [what, folder, reason] of [
    ['below a file', () => join(root, 'file', 'x'), /file is a file/],
    ['that is a file', () => join(root, 'file'), /file is a file/],
    ['below a folder that takes no entries, without hanging', () => '/proc/nowhere/out', /ENOENT|EACCES|EPERM/],
  ] as const) {
    it(`says why it cannot make one ${what}`, async () => {
      await assert.rejects(makeFolder(folder()), (error: Error) => {
        assert.ok(error.message.startsWith(`The folder ${folder()} cannot be made: `));
        assert.match(error.message, reason);
        return true;
      });
    });
  }
});
