/** @file A file is replaced as a whole; what is no file is never replaced by one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomically } from '../src/writeFileAtomically.ts';

describe('writing a file atomically', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-atomic-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('makes the folder, replaces what was there and leaves nothing beside it', async () => {
    const path = join(folder, 'new', 'table.csv');
    await writeFileAtomically(path, 'first');
    await writeFileAtomically(path, ['sec', Buffer.from('ond')]);
    assert.equal(readFileSync(path, 'utf8'), 'second');
    assert.deepEqual(readdirSync(join(folder, 'new')), ['table.csv']);
  });

  it('leaves the old file where the content ends in an error', async () => {
    const path = join(folder, 'table.csv');
    writeFileSync(path, 'old');
    function* content(): Iterable<string> {
      yield 'half';
      throw new Error('no more');
    }
    await assert.rejects(writeFileAtomically(path, content()), /no more/);
    assert.equal(readFileSync(path, 'utf8'), 'old');
    assert.deepEqual(readdirSync(folder), ['table.csv']);
  });

  it('follows a link, which stays', async () => {
    mkdirSync(join(folder, 'elsewhere'));
    const [target, link] = [join(folder, 'elsewhere', 'run7.csv'), join(folder, 'latest.csv')];
    writeFileSync(target, 'old');
    symlinkSync(target, link);
    await writeFileAtomically(link, 'new');
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.equal(readFileSync(target, 'utf8'), 'new');
  });

  it('writes into a pipe, which stays: so does /dev/null, whoever writes', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [read] = await Promise.all([readFile(pipe, 'utf8'), writeFileAtomically(pipe, 'a table')]);
    assert.equal(read, 'a table');
    assert.ok(lstatSync(pipe).isFIFO());
    assert.deepEqual(readdirSync(folder), ['pipe']);
  });
});
