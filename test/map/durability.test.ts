import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { createMapManifest, toMapModel } from '../../src/map/MapManifest.ts';
import { MapWriter } from '../../src/map/MapWriter.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { verifyMap } from '../../src/map/verifyMap.ts';
import { axis, modelManifest, newPlace } from '../support/placeBuilders.ts';

const APPENDER = fileURLToPath(new URL('../support/appendForever.js', import.meta.url));

/** Kills the appender once it has acknowledged `after` places; resolves with the last id it acknowledged. */
async function killAppenderAfter(after: number, path: string): Promise<number> {
  const child = spawn(process.execPath, [APPENDER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split('\n').length > after) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1));
}

describe('a map that is taken away from its writer', () => {
  for (const [what, takeAway] of [
    [
      'removed',
      (path: string): void => {
        rmSync(path);
      },
    ],
    [
      'replaced',
      (path: string): void => {
        renameSync(`${path}.other`, path);
      },
    ],
  ] as const) {
    it(`${what}: nothing more is acknowledged, and that is said`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'netvlad-away-'));
      const path = join(folder, 'drive.vprmap');
      try {
        const create = (at: string): MapWriter =>
          MapWriter.create(at, createMapManifest(toMapModel(modelManifest('test-model', 4))));
        create(`${path}.other`).close();
        const writer = create(path);
        writer.append([newPlace('a.jpg', axis(0, 4))]);
        takeAway(path);
        for (const work of [
          () => writer.append([newPlace('b.jpg', axis(1, 4))]),
          () => {
            writer.close();
          },
        ]) {
          assert.throws(work, /drive\.vprmap was removed or replaced while it was being written/);
        }
        writer.abandon();
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});

describe('a map with two writers', () => {
  it('takes the places of one; the other is told', () => {
    const folder = mkdtempSync(join(tmpdir(), 'netvlad-two-'));
    const path = join(folder, 'drive.vprmap');
    try {
      MapWriter.create(path, createMapManifest(toMapModel(modelManifest('test-model', 4)))).close();
      const [first, second] = [MapWriter.open(path), MapWriter.open(path)];
      const add = (writer: MapWriter, image: string): unknown => writer.append([newPlace(image, axis(0, 4))]);
      add(first, 'a.jpg');
      assert.throws(() => add(second, 'b.jpg'), /drive\.vprmap is being written by another process/);
      add(first, 'c.jpg');
      first.close();
      second.abandon();
      const map = PlaceMap.open(path);
      assert.deepEqual(
        map.places.map(({ image }) => image),
        ['a.jpg', 'c.jpg'],
      );
      map.close();
      assert.deepEqual(
        verifyMap(path).flatMap(({ problems }) => problems),
        [],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a map whose writer is killed', () => {
  for (const after of [1, 7, 50]) {
    it(`holds what was acknowledged, after ${after} places, and can be gone on with`, async function () {
      this.timeout(20_000);
      const folder = mkdtempSync(join(tmpdir(), 'netvlad-kill-'));
      const path = join(folder, 'drive.vprmap');
      try {
        const acknowledged = await killAppenderAfter(after, path);
        assert.ok(acknowledged >= after);
        const map = PlaceMap.open(path);
        assert.ok(map.size >= acknowledged, `${map.size} places, ${acknowledged} acknowledged`);
        assert.equal(map.descriptors[(map.size - 1) * 960 + ((map.size - 1) % 960)], 1);
        map.close();
        MapWriter.open(path).close(); // what the next start of the node does
        assert.deepEqual(readdirSync(folder), ['drive.vprmap']);
        for (const { name, problems } of verifyMap(path)) assert.deepEqual(problems, [], name);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  it('opens although it was killed in the middle of a step that is to be rolled back', () => {
    const folder = mkdtempSync(join(tmpdir(), 'netvlad-kill-'));
    const [path, copy] = [join(folder, 'whole.vprmap'), join(folder, 'killed.vprmap')];
    const writer = MapWriter.create(path, createMapManifest(toMapModel(modelManifest('test-model', 960))));
    writer.append([newPlace('a.jpg', axis(0, 960))]);
    writer.close();
    const db = new Database(path);
    db.pragma('cache_size = 1'); // changes are written to the file before their transaction ends
    db.exec('BEGIN IMMEDIATE');
    const add = db.prepare("INSERT INTO place(image) SELECT 'half.jpg' FROM place LIMIT 200");
    for (let i = 0; i < 9; i++) add.run();
    for (const suffix of ['', '-journal']) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
    db.exec('ROLLBACK');
    db.close();
    const map = PlaceMap.open(copy);
    assert.deepEqual(
      map.places.map(({ image }) => image),
      ['a.jpg'],
    );
    map.close();
    for (const { name, problems } of verifyMap(copy)) assert.deepEqual(problems, [], name);
    rmSync(folder, { recursive: true });
  });
});
