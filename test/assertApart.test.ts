/** @file What an output must not be: a file that is read for it. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertApart } from '../src/assertApart.ts';

describe('assertApart', () => {
  let root: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'apart-'));
    await mkdir(join(root, 'drive'));
    await symlink(join(root, 'drive'), join(root, 'link'));
    for (const file of ['truth.tum', 'drive/drive_0.mcap', 'drive/notes.txt']) await writeFile(join(root, file), '');
  });

  after(() => rm(root, { recursive: true }));

  const check = (output: string, input: string): Promise<void> =>
    assertApart([{ name: '--out', path: join(root, output) }], [{ name: 'the recording', path: join(root, input) }]);

  for (const [output, input] of [
    ['truth.tum', 'truth.tum'],
    ['drive/../truth.tum', 'truth.tum'],
    ['link/drive_0.mcap', 'drive/drive_0.mcap'],
    ['drive/drive_0.mcap', 'drive'],
    ['drive/new.mcap', 'link'],
    ['drive/metadata.yaml', 'drive'],
    ['drive/index.csv', 'drive'],
  ] as const) {
    it(`${output} would cost ${input}`, async () => {
      const path = join(root, output);
      await assert.rejects(check(output, input), {
        code: 'usage',
        message: `--out would write ${path}, which belongs to the recording ${join(root, input)}.`,
      });
    });
  }

  for (const [output, input] of [
    ['report/truth.tum', 'truth.tum'],
    ['drive/notes.txt', 'drive'],
    ['drive/report/index.csv', 'drive'],
    ['out.mcap', 'drive'],
    ['new.mcap', 'nothing.mcap'],
  ] as const) {
    it(`${output} leaves ${input} alone`, () => check(output, input));
  }

  it('two outputs of one name would leave one', () =>
    assert.rejects(
      assertApart(
        [
          { name: '--descriptors', path: join(root, 'drive', 'new') },
          { name: '--places', path: join(root, 'link', 'new') },
        ],
        [],
      ),
      {
        code: 'usage',
        message: `--places would write ${join(root, 'link', 'new')}, which --descriptors writes as well.`,
      },
    ));

  it('what was not given, or is no path, is no file', () =>
    assertApart(
      [{ name: '--out', path: undefined }],
      [
        { name: '--ground-truth', path: '/ground_truth' },
        { name: '--map', path: undefined },
      ],
    ));
});
