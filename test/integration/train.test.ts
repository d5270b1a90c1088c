/** @file `netvlad train` as one types it: on a small town of patterns with a tiny backbone. */
import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SMALL_CONFIG, withTraining, writePatternPlaces } from '../support/patternPlaces.ts';
import { runNetvlad } from '../support/runNetvlad.ts';

interface TrainDocument {
  readonly model: string;
  readonly epochs: number;
  readonly recall: Record<'initial' | 'best' | 'chance', Record<string, number>>;
  readonly test: TrainDocument['recall'] | null;
}

describe('netvlad train', function () {
  this.timeout(120_000);
  let folder: string;

  before(async () => {
    folder = await writePatternPlaces();
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

  it('measures test queries of one condition with the weights that validation chose', async () => {
    const roles = '{ testQueries: validation_query, testDatabase: validation_database }'; // so that the numbers are known
    await writeFile(at('train.yaml'), withTraining(`queryCondition: night, roles: ${roles}`));
    const { code, stdout, stderr } = await train('night', '--json');
    await writeFile(at('train.yaml'), SMALL_CONFIG);
    assert.equal(code, 0, stderr);
    const { recall, test } = JSON.parse(stdout) as TrainDocument;
    assert.deepEqual(test, recall);
    const log = await readFile(at('night', 'log.jsonl'), 'utf8');
    assert.match(log, /"event":"start".*"validation":3,"test":3/);
    assert.match(log, /"event":"test"/);
    assert.match(await readFile(at('night', 'training.html'), 'utf8'), /test recall@1/);
  });

  it('prints what start, best epoch and exported model reach', async () => {
    await writeFile(at('train.yaml'), `${withTraining('nightQueries: true')}whitening: { dimension: 4 }\n`);
    const { code, stdout, stderr } = await train('printed', '--epochs', '1');
    await writeFile(at('train.yaml'), SMALL_CONFIG);
    assert.equal(code, 0, stderr);
    const numbers = '(?: +[0-9.]+){3}';
    const rows = [
      'validation, % +@1 +@5 +@10',
      ...['chance', 'initial', 'best', 'exported', '- at night'].map((row) => row + numbers),
    ];
    assert.match(stdout, new RegExp(`^${rows.join('\\n')}\\n.*small\\.onnx: 4 dimensions`));
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
    await writeFile(at('other.yaml'), SMALL_CONFIG.replace('seed: 3', 'seed: 4'));
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

  it('refuses to resume with images of the same names at other places', async () => {
    const index = await readFile(at('index.csv'), 'utf8');
    await writeFile(at('index.csv'), index.replace('train_database,60,0', 'train_database,61,0'));
    const moved = await train('whole', '--resume');
    await writeFile(at('index.csv'), index);
    assert.equal(moved.code, 3);
    assert.match(moved.stderr, /another config or other images/);
    assert.equal((await train('whole', '--resume')).code, 0);
  });

  describe('--ablation', () => {
    const START = '{ name: start, set: { training: { layers: none } } }';
    const MAX = '{ name: max, set: { pooling: { kind: max }, whitening: { dimension: 4 }, training: { epochs: 1 } } }';
    interface Table {
      readonly queries: number;
      readonly rows: readonly { name: string; dimension: number; recall: Record<string, number> }[];
    }

    async function runTable(rows: readonly string[], ...more: string[]): Promise<Table> {
      await writeFile(at('ablation.yaml'), `base: train.yaml\nruns:\n${rows.map((row) => `  - ${row}\n`).join('')}`);
      const options = ['--data', folder, '--out', at('table'), '--cache', at('cache'), ...more];
      const { code, stderr } = await runNetvlad(['train', '--ablation', at('ablation.yaml'), ...options]);
      assert.equal(code, 0, stderr);
      return JSON.parse(await readFile(at('table', 'ablation.json'), 'utf8')) as Table;
    }

    it('writes a table with intervals and the chance level; --resume adds the rows that are missing; whitening adds the exported model', async () => {
      const begun = await runTable([START]);
      const logged = await readFile(at('table', 'start', 'log.jsonl'), 'utf8');
      const { queries, rows } = await runTable([START, MAX], '--resume');
      assert.equal(queries, 4);
      assert.deepEqual(rows[0], begun.rows[0]);
      assert.equal(await readFile(at('table', 'start', 'log.jsonl'), 'utf8'), logged, 'the finished row ran again');
      const columns = rows.map(({ name, dimension }) => [name, dimension]);
      assert.deepEqual(columns, [
        ['start', 32],
        ['max', 8],
        ['max, exported', 4],
      ]);
      const markdown = await readFile(at('table', 'ablation.md'), 'utf8');
      assert.match(markdown, /Chance: \d+\.\d \/ \d+\.\d/);
      assert.match(markdown, /\| max, exported \| 4 \|/);
      assert.match(markdown, /\| max \| 8 \| [\d.]+ \([\d.]+–[\d.]+\)/);
    });

    it('is not overwritten, nor resumed with other data, and no two runs share a folder', async () => {
      const options = ['--data', folder, '--out', at('table'), '--cache', at('cache')];
      const run = (...more: string[]): ReturnType<typeof runNetvlad> =>
        runNetvlad(['train', '--ablation', at('ablation.yaml'), ...options, ...more]);
      const table = await readFile(at('table', 'ablation.json'), 'utf8');
      assert.match((await run()).stderr, /There is a table of runs in .*ablation\.json[^]*--resume/);
      await cp(folder, `${folder}-other`, { recursive: true, filter: (file) => !file.includes('table') });
      const other = await run('--resume', '--data', `${folder}-other`);
      await rm(`${folder}-other`, { recursive: true });
      assert.match(other.stderr, /is of .*, not of .*-other/);
      assert.equal(await readFile(at('table', 'ablation.json'), 'utf8'), table);
      await writeFile(at('ablation.yaml'), 'base: train.yaml\nruns: [{ name: a b }, { name: a_b }]\n');
      assert.match((await run('--resume')).stderr, /two runs that are 'a_b' as a folder/);
    });

    it('sets fields of every run at once, and measures the exported model on queries turned into night', async () => {
      const both = 'set: { pooling: { kind: max }, training: { layers: none, nightQueries: true } }';
      const rows = [2, 4].map(
        (dimension) => `{ name: max ${dimension}, set: { whitening: { dimension: ${dimension} } } }`,
      );
      const list = rows.map((row) => `  - ${row}\n`).join('');
      await writeFile(at('ablation.yaml'), `base: train.yaml\n${both}\nruns:\n${list}`);
      const options = ['--data', folder, '--out', at('nights'), '--cache', at('cache'), '--epochs', '0'];
      const { code, stdout, stderr } = await runNetvlad(['train', '--ablation', at('ablation.yaml'), ...options]);
      assert.equal(code, 0, stderr);
      const header = '| run | dimensions | R@1 | R@5 | R@10 | R@1, queries turned into night | R@5, likewise |';
      assert.ok(stdout.includes(header), stdout);
      const percent = String.raw`\d+\.\d`;
      const recall = String.raw`${percent} \(${percent}–${percent}\)`;
      for (const dimension of [2, 4]) {
        const row = String.raw`\| max ${dimension}, exported \| ${dimension} \| ${recall} \| ${recall} \| ${percent} \| ${recall} \| ${recall} \|`;
        assert.match(stdout, new RegExp(row));
      }
      assert.match(stdout, /\| max 2 \| 8 \| .* \| {2}\| {2}\| \d/, 'before the export: no night');
    });
  });
});
