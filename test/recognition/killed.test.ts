/** @file A robot that loses its power while mapping, again and again, at any moment: the map keeps all that it told of. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '../../src/math/random.ts';
import { assertMapHolds } from '../support/assertMapHolds.ts';
import { writeTinyModel } from '../support/tinyModel.ts';

/** KILLS=200 for the long run. */
const KILLS = Number(process.env.KILLS ?? 16);
/** Each robot is started this many times on one map, then a new one begins with nothing. */
const STARTS = 8;
const MAPPER = fileURLToPath(new URL('./support/mapForever.js', import.meta.url));

/** Kills a mapping process a while after its start, or after its first place; resolves with the places it told of. */
async function mapUntilKilled(
  args: readonly string[],
  moment: { readonly after: 'start' | 'first place'; readonly delayMs: number },
): Promise<readonly string[]> {
  const child = spawn(process.execPath, [MAPPER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = (): unknown => setTimeout(() => child.kill('SIGKILL'), moment.delayMs);
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (told === '' && moment.after === 'first place') kill();
    told += chunk.toString();
  });
  if (moment.after === 'start') kill();
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  assert.equal(signal, 'SIGKILL', `it ended by itself, with code ${code}`);
  return told.split('\n').slice(0, -1); // what stands behind the last line break was not told in full
}

describe('a robot that is killed while mapping', () => {
  it(`keeps every place that it told of, ${KILLS} times`, async function () {
    this.timeout(60_000 + 5_000 * KILLS);
    const folder = await mkdtemp(path.join(tmpdir(), 'killed-'));
    const model = await writeTinyModel({ folder });
    const random = createRandom(8);
    let map = '';
    let told: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      if (kill % STARTS === 0) [map, told] = [path.join(folder, `${kill}.vprmap`), []];
      const after = random.next() < 0.3 ? 'start' : 'first place';
      const delayMs = random.next() * (after === 'start' ? 600 : 250);
      told.push(...(await mapUntilKilled([model, map, String(1000 * kill + 1)], { after, delayMs })));
      if (!existsSync(map)) {
        assert.deepEqual(told, [], 'no map without a file, and then it told of nothing');
        continue;
      }
      await assertMapHolds(map, (held) => {
        for (const name of told) assert.ok(held.has(name), `${name} is lost of ${told.length}`);
        assert.ok(held.size <= told.length + STARTS, 'at most one place a start was stored and not yet told of');
      });
    }
    await rm(folder, { recursive: true });
  });
});
