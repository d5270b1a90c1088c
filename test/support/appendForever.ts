/** @file A process to be killed: appends places to a map one by one and says so on stdout after each. */
import { createMapManifest, toMapModel } from '../../src/map/MapManifest.ts';
import { MapWriter } from '../../src/map/MapWriter.ts';
import { axis, modelManifest, newPlace } from './placeBuilders.ts';

const [path] = process.argv.slice(2);
const writer = MapWriter.create(path!, createMapManifest(toMapModel(modelManifest('test-model', 960))));
for (let i = 0; ; i++) {
  const [id] = writer.append([newPlace(`${i}.jpg`, axis(i % 960, 960))]);
  process.stdout.write(`${id!}\n`);
}
