/** @file What a map must still be after its writer was killed. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { MapWriter } from '../../src/map/MapWriter.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { verifyMap } from '../../src/map/verifyMap.ts';

/**
 * It opens, `check` is satisfied with the names of its images, and sealed as the next orderly end does it, it passes every
 * check of `netvlad map verify`. Looks at a copy: the file itself stays as the kill has left it.
 */
export async function assertMapHolds(map: string, check: (images: ReadonlySet<string>) => void): Promise<void> {
  const copy = `${map}.copy`;
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    await rm(`${copy}${suffix}`, { force: true });
    if (existsSync(`${map}${suffix}`)) await copyFile(`${map}${suffix}`, `${copy}${suffix}`);
  }
  const held = PlaceMap.open(copy);
  check(new Set(held.places.map(({ image }) => image)));
  assert.equal(held.descriptors.length, held.places.length * held.dimension);
  held.close();
  MapWriter.open(copy).close();
  for (const { name, problems } of verifyMap(copy)) assert.deepEqual(problems, [], name);
}
