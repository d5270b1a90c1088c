/** @file What may go wrong in a training run: it is named, and what was done until then stays. */
import assert from 'node:assert/strict';
import { access, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../../src/cli/exitCodes.ts';
import { SMALL_CONFIG, withTraining, writePatternPlaces } from '../support/patternPlaces.ts';
import { type CommandRun, type RunOptions, runNetvlad } from '../support/runNetvlad.ts';

/** Of the cache: half floats of an image, since all layers of the small network are trained. */
const ROW_BYTES = 2 * 3 * 64 * 48;

describe('netvlad train, when something goes wrong', function () {
  this.timeout(120_000);
  let folder: string;
  before(async () => {
    folder = await writePatternPlaces();
  });
  after(() => rm(folder, { recursive: true }));

  const at = (...parts: string[]): string => path.join(folder, ...parts);

  interface Request extends RunOptions {
    readonly out: string;
    readonly config?: string;
    readonly data?: readonly string[];
    readonly cache?: string;
    readonly more?: readonly string[];
  }

  async function train({ out, config = SMALL_CONFIG, ...request }: Request): Promise<CommandRun> {
    await writeFile(at(`${out}.yaml`), config);
    const { data = [folder], cache = at('cache'), more = [] } = request;
    const files = ['--config', at(`${out}.yaml`), '--data', ...data, '--out', at(out), '--cache', cache];
    return runNetvlad(['train', ...files, ...more], request);
  }

  async function sha256Of(out: string): Promise<string> {
    const manifest = JSON.parse(await readFile(at(out, 'model', 'small.json'), 'utf8')) as {
      onnx: { sha256: string };
    };
    return manifest.onnx.sha256;
  }

  async function waitFor(file: string): Promise<void> {
    while (
      await access(file).then(
        () => false,
        () => true,
      )
    )
      await sleep(5);
  }

  async function eventsOf(out: string): Promise<string[]> {
    const lines = (await readFile(at(out, 'log.jsonl'), 'utf8')).trim().split('\n');
    return lines.map((line) => (JSON.parse(line) as { event: string }).event);
  }

  it('Ctrl-C ends it with a checkpoint, and the resumed run makes the model of an uninterrupted one', async () => {
    const config = withTraining('epochs: 12, patience: 12').replace('epochs: 2, ', '');
    assert.equal((await train({ out: 'uninterrupted', config })).code, 0);
    const { code, stderr } = await train({
      ...{ out: 'interrupted', config },
      onStart: (kill) => {
        void waitFor(at('interrupted', 'checkpoints', 'last.npz')).then(() => {
          kill('SIGINT');
        });
      },
    });
    assert.equal(code, EXIT.interrupted, stderr);
    assert.match(stderr, /Interrupted after \d+ epochs? [^]*--resume --out/);
    assert.equal((await eventsOf('interrupted')).at(-1), 'interrupted');
    assert.equal((await train({ out: 'interrupted', config, more: ['--resume'] })).code, 0);
    assert.equal(await sha256Of('interrupted'), await sha256Of('uninterrupted'));
    assert.equal((await eventsOf('interrupted')).filter((event) => event === 'epoch').length, 12);
  });

  it('Ctrl-C in the second run of a table keeps the first, and the resumed table is that of an uninterrupted one', async () => {
    await writeFile(at('base.yaml'), withTraining('epochs: 12, patience: 12').replace('epochs: 2, ', ''));
    const max = '{ name: max, set: { pooling: { kind: max } } }';
    await writeFile(
      at('runs.yaml'),
      `base: base.yaml\nruns:\n  - { name: start, set: { training: { layers: none } } }\n  - ${max}\n`,
    );
    const table = (out: string, more: readonly string[], options: RunOptions = {}): Promise<CommandRun> => {
      const files = ['--ablation', at('runs.yaml'), '--data', folder, '--out', at(out), '--cache', at('cache')];
      return runNetvlad(['train', ...files, ...more], options);
    };
    assert.equal((await table('whole-table', [])).code, 0);
    const { code, stderr } = await table('table', [], {
      onStart: (kill) => {
        void waitFor(at('table', 'max', 'checkpoints', 'last.npz')).then(() => {
          kill('SIGINT');
        });
      },
    });
    assert.equal(code, EXIT.interrupted, stderr);
    assert.match(stderr, /Interrupted in the run 'max'[^]*--resume --out/);
    assert.equal((await table('table', ['--resume'])).code, 0);
    for (const file of ['ablation.json', 'max/model/small.onnx']) {
      assert.deepEqual(await readFile(at('table', file)), await readFile(at('whole-table', file)), file);
    }
  });

  it('a run that ended before its first epoch resumes from the beginning', async () => {
    const early = await train({
      ...{ out: 'early', cache: at('other-cache') },
      onStart: (kill) => {
        void waitFor(at('early', 'config.yaml')).then(() => {
          kill('SIGINT');
        });
      },
    });
    assert.equal(early.code, EXIT.interrupted, early.stderr);
    assert.equal((await train({ out: 'early', more: ['--resume'] })).code, 0);
    assert.equal((await train({ out: 'whole' })).code, 0);
    assert.equal(await sha256Of('early'), await sha256Of('whole'));
  });

  it('a loss that is no number stops it, with the step and what to change', async () => {
    const { code, stderr } = await train({ out: 'nan', config: withTraining('weightDecay: 1e38') });
    assert.equal(code, EXIT.badInput);
    assert.match(stderr, /(the loss of|a weight after) epoch \d+, step \d+ is not a number[^]*Lower the learning rate/);
    assert.match(stderr, /in a new run/, 'this one goes on with the rate it has');
    assert.doesNotMatch(stderr, /at .*\.js:\d+/, 'no stack');
  });

  it('descriptors that are no numbers stop it before the first step', async () => {
    const config = SMALL_CONFIG.replace('{ kind: netvlad, clusters: 4 }', '{ kind: gem, power: 200 }'); // x^200 overflows
    const { code, stderr } = await train({ out: 'overflow', config });
    assert.equal(code, EXIT.badInput);
    assert.match(stderr, /the descriptor of row \d+ of the feature cache is not a number[^]*pooling\.power/);
  });

  it('a tensor to train after that the backbone lacks is named, with those it has', async () => {
    const config = SMALL_CONFIG.replace('layers: all', 'layers: { after: nowhere }');
    const { code, stderr } = await train({ out: 'nowhere', config });
    assert.equal(code, EXIT.badInput);
    assert.match(stderr, /no tensor 'nowhere'[^]*last ones before the head are .*Conv/);
  });

  it('a full disk under the feature cache is named; with space again it goes on', async () => {
    const full = await train({ out: 'full', cache: at('small-disk'), fileLimitKiB: 800 }); // in the second batch
    assert.equal(full.code, EXIT.failed, full.stderr);
    assert.match(full.stderr, /Feature cache .*small-disk.*\n {2}Free disk space/);
    const [noted] = (await readdir(at('small-disk'))).filter((name) => name.endsWith('.rows'));
    const rows = Number(await readFile(at('small-disk', noted!), 'utf8'));
    const { size } = await stat(at('small-disk', noted!.replace('.rows', '')));
    assert.ok(rows > 0 && rows * ROW_BYTES <= size, `${rows} rows are said to be in ${size} bytes`);
    assert.equal((await train({ out: 'full', cache: at('small-disk'), more: ['--resume'] })).code, 0);
    assert.equal((await train({ out: 'roomy' })).code, 0);
    assert.equal(await sha256Of('full'), await sha256Of('roomy'));
  });

  it('a best checkpoint that cannot be written does not become the best of the resumed run', async () => {
    await mkdir(at('no-best', 'checkpoints', 'best.npz'), { recursive: true });
    await writeFile(at('no-best', 'config.yaml'), '');
    const resume = ['--epochs', '1', '--resume']; // the first epoch is always the best so far
    const failed = await train({ out: 'no-best', more: resume });
    assert.equal(failed.code, EXIT.badInput);
    assert.match(failed.stderr, /best\.npz cannot be written/);
    await rm(at('no-best', 'checkpoints', 'best.npz'), { recursive: true });
    assert.equal((await train({ out: 'no-best', more: resume })).code, 0);
    assert.equal((await train({ out: 'with-best', more: ['--epochs', '1'] })).code, 0);
    assert.equal(await sha256Of('no-best'), await sha256Of('with-best'));
    const config = await readFile(at('with-best', 'config.yaml'), 'utf8');
    assert.equal(await readFile(at('no-best', 'config.yaml'), 'utf8'), config, 'a resumed run says what it ran');
  });

  it('a full disk under the run folder is named, and leaves no half a file', async () => {
    const { code, stderr } = await train({ out: 'no-room', fileLimitKiB: 1 });
    assert.equal(code, EXIT.badInput);
    assert.match(stderr, /no-room.* cannot be written: EFBIG/);
    await assert.rejects(access(at('no-room', 'config.yaml')));
  });

  it('an image that cannot be read is named, and the run goes on without what it shows', async () => {
    await cp(folder, at('..', `${path.basename(folder)}-damaged`), { recursive: true });
    const damaged = `${folder}-damaged`;
    await writeFile(path.join(damaged, '3-1.png'), 'no picture');
    const { code, stderr } = await train({ out: 'damaged', data: [damaged] });
    await rm(damaged, { recursive: true });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /warning: .*3-1\.png: .*It takes part as a grey image/);
  });

  it('of several sources not every one must have every role', async () => {
    await cp(folder, `${folder}-more`, { recursive: true });
    const index = await readFile(at('index.csv'), 'utf8');
    const lines = index.split('\n').filter((line) => !line.includes('validation'));
    await writeFile(path.join(`${folder}-more`, 'index.csv'), lines.join('\n'));
    const { code, stderr } = await train({ out: 'two-sources', data: [`${folder}-more`, folder] });
    await rm(`${folder}-more`, { recursive: true });
    assert.equal(code, 0, stderr);
    const log = await readFile(at('two-sources', 'log.jsonl'), 'utf8');
    assert.match(log, /"queries":16,"database":32,"validation":4/);
  });

  const REFUSED: readonly (readonly [string, string, RegExp])[] = [
    [
      'a role without images',
      'roles: { queries: nobody }',
      /has no image of role 'nobody': it has train_database, train_query/,
    ],
    ['a set without positives', 'positiveRadiusM: 0.5', /none of the 8 queries has a potential positive within 0.5 m/],
    [
      'a validation without true matches',
      'validationRadiusM: 0.1',
      /none of the 4 'validation_query' has a true match among the 'validation_database' \(within 0.1 m/,
    ],
    ['a set without negatives', 'negativeRadiusM: 5000', /none of the 8 queries has a definite negative/],
    [
      'an unknown condition',
      'queryCondition: fog',
      /no 'validation_query' has the condition 'fog' \(there are dusk, night\)/,
    ],
    ['test roles that are half given', 'roles: { testQueries: a }', /testQueries and testDatabase belong together/],
    ['an empty batch', 'batchTuples: 0', /batchTuples/],
  ];
  for (const [what, fields, message] of REFUSED) {
    it(`${what} is named`, async () => {
      const { code, stderr } = await train({ out: what.replaceAll(' ', '-'), config: withTraining(fields) });
      assert.equal(code, EXIT.badInput);
      assert.match(stderr, message);
    });
  }

  it('fewer tuples than a batch, and a query without violating negatives, still make an epoch', async () => {
    assert.equal((await train({ out: 'large-batch', config: withTraining('batchTuples: 100') })).code, 0);
    const nothing = await train({ out: 'nothing', config: withTraining('margin: 1e-12, positiveRadiusM: 20') });
    assert.equal(nothing.code, 0, nothing.stderr);
  });
});
