/** @file A command whose reader has gone, or whose disk is full, ends as other Unix tools do. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NETVLAD = fileURLToPath(new URL('../../../bin/netvlad.js', import.meta.url));

interface End {
  readonly code: number;
  readonly stderr: string;
}

/** A shell's line, so that pipes and redirections are the shell's own; `$NETVLAD` is the command. */
async function runLine(line: string, environment: NodeJS.ProcessEnv = {}): Promise<End> {
  const env = { ...process.env, ...environment, NETVLAD: `${process.execPath} ${NETVLAD}` };
  const shell = spawn('bash', ['-c', line], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  shell.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(shell, 'close')) as [number];
  return { code, stderr };
}

/** The exit code of the command, not of the reader; the reader ends before the command can have written anything. */
const intoNobody = (command: string): string => `${command} | true; exit \${PIPESTATUS[0]}`;

describe('output that nobody takes', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-pipe-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const commands = {
    'the help': '$NETVLAD --help',
    'the help of a command': '$NETVLAD replay --help',
    'the version': '$NETVLAD --version',
    'a document': '$NETVLAD model info --json',
    'an error told as JSON': '$NETVLAD map info nowhere.vprmap --json 2>/dev/null',
  };
  for (const [what, command] of Object.entries(commands)) {
    it(`${what} into a closed pipe: not a word, 141 as by SIGPIPE`, async () => {
      assert.deepEqual(await runLine(intoNobody(command)), { code: 141, stderr: '' });
    });
  }

  it('progress into a closed pipe ends the work and leaves nothing half-written', async () => {
    const out = join(folder, 'town');
    const end = await runLine(intoNobody('$NETVLAD simulate --out "$OUT" 2>&1'), { OUT: out });
    assert.equal(end.code, 141);
    const left = existsSync(out) ? readdirSync(out, { recursive: true }) : [];
    assert.deepEqual(
      left.filter((name) => String(name).includes('partial')),
      [],
    );
  });

  it('a full disk under a redirection: one line, and failure', async () => {
    const { code, stderr } = await runLine('$NETVLAD --help > /dev/full');
    assert.equal(code, 1);
    assert.match(stderr, /^error: The output cannot be written: ENOSPC[^\n]*\n$/);
  });
});
