/** @file `netvlad train` as one types it: on a small town of patterns with a tiny backbone. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodePng } from '../../src/image/encode.ts';
import { createRandom } from '../../src/math/random.ts';
import { createModel } from '../../src/onnx/GraphBuilder.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';
import { augment } from '../../src/training/augment.ts';
import { runNetvlad } from '../support/runNetvlad.ts';
import { createPatternImage, createTinyGraph } from '../support/tinyModel.ts';

const [PLACES, VIEWS] = [12, 3];
const CHANGES = { light: 1, night: 0.5, blur: 0, rain: 0, shadow: 0.5, geometry: 1, occluder: 0.5 };

const CONFIG = `
name: small
seed: 3
backbone:
  { name: onnx, weights: tiny.onnx, cut: ${createTinyGraph().nodes.filter((node) => node.opType === 'Conv')[1]!.outputs[0]!}, weightsFrom: random, licence: Apache-2.0 }
input: { width: 64, height: 48 }
pooling: { kind: netvlad, clusters: 4 }
initialisation: { images: 20, locationsPerImage: 20 }
training: { layers: all, epochs: 2, headRate: 0.05, backboneRate: 0.01, trainedShare: 0.5, augmentation: { variants: 2 } }
`;

interface TrainDocument {
  readonly model: string;
  readonly epochs: number;
  readonly recall: Record<'initial' | 'best' | 'chance', Record<string, number>>;
}

describe('netvlad train', function () {
  this.timeout(120_000);
  let folder: string;

  /** Places 60 m apart, views of one 3 m apart; the last view is the query's. */
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'train-'));
    const rows = ['file,role,x_m,y_m,sequence'];
    for (let place = 0; place < PLACES; place++) {
      for (let view = 0; view < VIEWS; view++) {
        const name = `${place}-${view}.png`;
        const image = augment(createPatternImage(place), CHANGES, createRandom(place * VIEWS + view));
        await writeFile(path.join(folder, name), await encodePng(image));
        const split = place < 8 ? 'train' : 'validation';
        rows.push(
          `${name},${split}_${view === VIEWS - 1 ? 'query' : 'database'},${place * 60},${view * 3},drive${view}`,
        );
      }
    }
    await writeFile(path.join(folder, 'index.csv'), `${rows.join('\n')}\n`);
    await writeFile(path.join(folder, 'tiny.onnx'), writeModel(createModel(createTinyGraph())));
    await writeFile(path.join(folder, 'train.yaml'), CONFIG);
  });
  after(() => rm(folder, { recursive: true }));

  const at = (...parts: string[]): string => path.join(folder, ...parts);
  const train = (out: string, ...more: string[]): ReturnType<typeof runNetvlad> =>
    runNetvlad([
      'train',
      '--config',
      at('train.yaml'),
      '--data',
      folder,
      '--out',
      at(out),
      '--cache',
      at('cache'),
      ...more,
    ]);
  const sha256Of = async (out: string): Promise<string> =>
    (JSON.parse(await readFile(at(out, 'model', 'small.json'), 'utf8')) as { onnx: { sha256: string } }).onnx.sha256;

  it('writes a run folder with config, log, checkpoints and the model, and says what it learned', async () => {
    const { code, stdout, stderr } = await train('whole', '--json');
    assert.equal(code, 0, stderr);
    const document = JSON.parse(stdout) as TrainDocument;
    assert.equal(document.epochs, 2);
    assert.ok(document.recall.best['5']! >= document.recall.initial['5']!, 'never worse than the start');
    assert.match(stderr, /epoch 1: loss [\d.]+ a query/);
    const log = (await readFile(at('whole', 'log.jsonl'), 'utf8')).trim().split('\n');
    const events = log.map((line) => (JSON.parse(line) as { event: string }).event);
    assert.deepEqual(events, ['start', 'epoch', 'epoch', 'exported']);
    await readFile(at('whole', 'config.yaml'));
    assert.match(await readFile(at('whole', 'training.html'), 'utf8'), /Loss a query[^]*recall@5/);
    assert.match(await readFile(at('whole', 'model', 'small.md'), 'utf8'), /validation/);
  });

  it('resumed after the first epoch makes the same model as in one go', async () => {
    assert.equal((await train('halves', '--epochs', '1')).code, 0);
    assert.equal((await train('halves', '--epochs', '2', '--resume')).code, 0);
    assert.equal(await sha256Of('halves'), await sha256Of('whole'));
  });

  it('refuses to overwrite a run, and to resume another one', async () => {
    const again = await train('whole');
    assert.equal(again.code, 3);
    assert.match(again.stderr, /not empty/);
    await writeFile(at('other.yaml'), CONFIG.replace('seed: 3', 'seed: 4'));
    const other = await runNetvlad([
      'train',
      '--config',
      at('other.yaml'),
      '--data',
      folder,
      '--out',
      at('whole'),
      '--cache',
      at('cache'),
      '--resume',
    ]);
    assert.equal(other.code, 3);
    assert.match(other.stderr, /another config or other images/);
  });

  it('names a role without images, and a set without positives', async () => {
    await writeFile(at('roles.yaml'), `${CONFIG.trimEnd().slice(0, -1)}, roles: { queries: nobody } }\n`);
    const roles = await runNetvlad(['train', '--config', at('roles.yaml'), '--data', folder, '--out', at('r')]);
    assert.equal(roles.code, 3);
    assert.match(roles.stderr, /nobody/);
    await writeFile(at('near.yaml'), `${CONFIG.trimEnd().slice(0, -1)}, positiveRadiusM: 0.5 }\n`);
    const near = await runNetvlad(['train', '--config', at('near.yaml'), '--data', folder, '--out', at('n')]);
    assert.equal(near.code, 3);
    assert.match(near.stderr, /none of the 8 queries has a potential positive within 0.5 m/);
  });

  it('--ablation writes a table with intervals and the chance level', async () => {
    const runs =
      '- { name: start, set: { training: { layers: none } } }\n  - { name: max, set: { pooling: { kind: max }, training: { epochs: 1 } } }';
    await writeFile(at('ablation.yaml'), `base: train.yaml\nruns:\n  ${runs}\n`);
    const { code, stderr } = await runNetvlad([
      'train',
      '--ablation',
      at('ablation.yaml'),
      '--data',
      folder,
      '--out',
      at('table'),
      '--cache',
      at('cache'),
    ]);
    assert.equal(code, 0, stderr);
    const table = JSON.parse(await readFile(at('table', 'ablation.json'), 'utf8')) as {
      queries: number;
      rows: { name: string; dimension: number; recall: Record<string, number> }[];
    };
    assert.equal(table.queries, 4);
    assert.deepEqual(
      table.rows.map(({ name, dimension }) => [name, dimension]),
      [
        ['start', 32],
        ['max', 8],
      ],
    );
    const markdown = await readFile(at('table', 'ablation.md'), 'utf8');
    assert.match(markdown, /Chance: \d+\.\d \/ \d+\.\d/);
    assert.match(markdown, /\| max \| 8 \| [\d.]+ \([\d.]+–[\d.]+\)/);
  });
});
