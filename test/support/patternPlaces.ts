/** @file Images of twelve places of patterns with positions, a tiny backbone and a config: a training run of a second. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodePng } from '../../src/image/encode.ts';
import { createRandom } from '../../src/math/random.ts';
import { createModel } from '../../src/onnx/GraphBuilder.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';
import { augment } from '../../src/training/augment.ts';
import { createPatternImage, createTinyGraph } from './tinyModel.ts';

const [PLACES, VIEWS] = [12, 3];
const CHANGES = { light: 1, night: 0.5, blur: 0, rain: 0, shadow: 0.5, geometry: 1, occluder: 0.5 };

export const SMALL_CONFIG = `
name: small
seed: 3
backbone:
  { name: onnx, weights: tiny.onnx, cut: ${createTinyGraph().nodes.filter((node) => node.opType === 'Conv')[1]!.outputs[0]!}, weightsFrom: random, licence: Apache-2.0 }
input: { width: 64, height: 48 }
pooling: { kind: netvlad, clusters: 4 }
initialisation: { images: 20, locationsPerImage: 20 }
training: { layers: all, epochs: 2, headRate: 0.05, backboneRate: 0.01, trainedShare: 0.5, augmentation: { variants: 2 } }
`;

/** The config with other fields in its section `training`, which they close. */
export function withTraining(fields: string): string {
  return `${SMALL_CONFIG.trimEnd().slice(0, -1)}, ${fields} }\n`;
}

/**
 * Makes a folder with `index.csv`, the images, `tiny.onnx` and `train.yaml`: places 60 m apart, views of one 3 m apart; the
 * last view is the query's, by night (one at dusk); the last four places validate.
 */
export async function writePatternPlaces(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'places-'));
  const rows = ['file,role,x_m,y_m,sequence,condition'];
  for (let place = 0; place < PLACES; place++) {
    for (let view = 0; view < VIEWS; view++) {
      const name = `${place}-${view}.png`;
      const image = augment(createPatternImage(place), CHANGES, createRandom(place * VIEWS + view));
      await writeFile(path.join(folder, name), await encodePng(image));
      const split = place < 8 ? 'train' : 'validation';
      const [role, condition] = view < VIEWS - 1 ? ['database', 'day'] : ['query', place === 8 ? 'dusk' : 'night'];
      rows.push(`${name},${split}_${role},${place * 60},${view * 3},drive${view},${condition}`);
    }
  }
  await writeFile(path.join(folder, 'index.csv'), `${rows.join('\n')}\n`);
  await writeFile(path.join(folder, 'tiny.onnx'), writeModel(createModel(createTinyGraph())));
  await writeFile(path.join(folder, 'train.yaml'), SMALL_CONFIG);
  return folder;
}
