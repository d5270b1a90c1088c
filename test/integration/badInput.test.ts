/** @file What users really hand to the commands: each fault is named, the exit code tells, the rest of the work is unharmed. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { BROKEN_IMAGES, USABLE_IMAGES, writeImages } from '../support/imageFixtures.ts';
import { runNetvlad, type CommandRun } from '../support/runNetvlad.ts';
import { writeTinyModel } from '../support/tinyModel.ts';

const BAD_INPUT = 3;

describe('bad input on the command line', function () {
  this.timeout(60_000);
  let folder: string;
  let images: string;
  let model: string;
  let map: string;
  const at = (...parts: string[]): string => join(folder, ...parts);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'netvlad bad ínput '));
    images = at('images');
    await mkdir(images);
    await writeImages(images, USABLE_IMAGES);
    model = await writeTinyModel({ folder: at('model') });
    map = at('good.vprmap');
    const built = await build(images, map);
    assert.equal(built.code, 0, built.stderr);
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  const build = async (source: string, out: string, ...more: string[]): Promise<CommandRun> =>
    runNetvlad(['map', 'build', source, '--out', out, '--model', model, ...more]);

  /** The command failed on bad input, in words and without a stack trace, and printed no result. */
  function assertRefused(run: CommandRun, ...says: RegExp[]): void {
    assert.equal(run.code, BAD_INPUT, run.stderr);
    for (const expected of says) assert.match(run.stderr, expected);
    assert.doesNotMatch(run.stderr, /^\s+at .*:\d+/m, 'no stack trace');
    assert.equal(run.stdout, '');
  }

  describe('images', () => {
    it('of every encoding are used, the broken ones among them are named and left out', async () => {
      const mixed = at('mixed');
      await mkdir(mixed);
      await writeImages(mixed, { ...USABLE_IMAGES, ...BROKEN_IMAGES });
      const out = at('mixed.vprmap');
      const run = await build(mixed, out);
      assert.equal(run.code, 0, run.stderr);
      for (const [name, { says }] of Object.entries(BROKEN_IMAGES)) {
        const line = run.stderr.split('\n').find((text) => text.includes(name));
        assert.match(line ?? 'not mentioned', says, name);
      }
      const built = PlaceMap.open(out);
      assert.deepEqual(built.places.map(({ image }) => image).sort(), Object.keys(USABLE_IMAGES).sort());
      built.close();
    });

    it('show the same scene, whatever their encoding and orientation', async () => {
      const names = Object.keys(USABLE_IMAGES);
      const paths = names.map((name) => join(images, name));
      const run = await runNetvlad(['query', ...paths, '--map', map, '--model', model, '-k', '9', '--json']);
      assert.equal(run.code, 0, run.stderr);
      const { queries } = JSON.parse(run.stdout) as {
        queries: { matches: { place: { image: string }; similarity: number }[] }[];
      };
      for (const [index, { matches }] of queries.entries()) {
        const name = names[index]!;
        const { like } = USABLE_IMAGES[name]!;
        const otherScene = name.startsWith('grey') ? 'plain.png' : 'grey.png';
        const similarityTo = (other: string): number => matches.find(({ place }) => place.image === other)!.similarity;
        const facts = `${name}: ${similarityTo(like)} to ${like}, ${similarityTo(otherScene)} to ${otherScene}`;
        assert.ok(similarityTo(like) > 0.98 && similarityTo(like) > similarityTo(otherScene), facts);
      }
    });

    it('that cannot be used at all make no map', async () => {
      const broken = at('broken');
      await mkdir(broken);
      await writeImages(broken, BROKEN_IMAGES);
      assertRefused(await build(broken, at('none.vprmap')), /none of its 4 images could be used/);
      assert.ok(!(await readdir(folder)).some((name) => name.startsWith('none')));
    });

    it('given to query: the good ones are answered, the bad ones named', async () => {
      await writeImages(folder, { 'zero.jpg': BROKEN_IMAGES['zero.jpg']! });
      const good = join(images, 'plain.png');
      const run = await runNetvlad(['query', at('zero.jpg'), good, at('missing.jpg'), '--map', map, '--model', model]);
      assert.equal(run.code, BAD_INPUT);
      assert.match(run.stdout, /plain\.png: \w+, confidence [^]* 1\. 1\.0000 /);
      assert.match(
        run.stderr,
        /2 of 3 images could not be used[^]*zero\.jpg: .*0 bytes[^]*missing\.jpg: It does not exist/,
      );
    });
  });

  describe('--json', () => {
    it('stays one document where a part of what was asked cannot be answered', async () => {
      const paths = [at('missing.jpg'), images, join(images, 'plain.png')];
      const run = await runNetvlad(['query', ...paths, '--map', map, '--model', model, '--json']);
      assert.equal(run.code, BAD_INPUT);
      const { queries } = JSON.parse(run.stdout) as { queries: { problem?: string; matches?: unknown[] }[] };
      assert.deepEqual(
        queries.map(({ problem, matches }) => problem ?? matches!.length > 0),
        ['It does not exist.', 'It is a folder, not an image.', true],
      );
    });

    it('is the failure where nothing can be answered', async () => {
      const run = await runNetvlad(['query', images, '--map', at('none.vprmap'), '--model', model, '--json']);
      assert.equal(run.code, BAD_INPUT);
      const { error } = JSON.parse(run.stdout) as { error: { code: string; message: string } };
      assert.deepEqual([error.code, error.message], ['map', `Map ${at('none.vprmap')} does not exist.`]);
    });
  });

  it('an empty value, as of a variable that is not set, is wrong usage whatever it is for', async () => {
    for (const [args, says] of [
      [['map', 'build', images, '--out', ''], "option '--out <file>' is given an empty value"],
      [
        ['map', 'build', images, '--out', at('x.vprmap'), '--frame', ''],
        "option '--frame <name>' is given an empty value",
      ],
      [['train', '--data', images, '', '--out', at('run')], "option '--data <source...>' is given an empty value"],
      [['query', '', '--map', map], 'an argument is empty'],
    ] as const) {
      const run = await runNetvlad(args);
      assert.deepEqual([run.code, run.stdout], [2, '']);
      assert.equal(run.stderr.split('\n')[0], `error: ${says}`);
    }
  });

  describe('outputs', () => {
    it('of evaluate that cannot be made are refused before the work, in words', async () => {
      const file = at('notes.txt');
      await writeFile(file, 'mine');
      for (const option of [
        ['--report', file],
        ['--predictions', join(file, 'p.csv')],
      ]) {
        const run = await runNetvlad(['evaluate', '--map', map, '--queries', images, '--model', model, ...option]);
        assertRefused(run, /^error: The folder .*notes\.txt cannot be made: .*notes\.txt is a file\./);
      }
      assert.equal(await readFile(file, 'utf8'), 'mine');
    });

    it('given a parameter file that is none, replay says what one holds', async () => {
      const file = at('settings.yaml');
      await writeFile(file, 'accept_probability: 0.9\n');
      assertRefused(
        await runNetvlad(['replay', at('drive.mcap'), '--map', map, '--params', file]),
        /settings\.yaml sets nothing for the node \/localizer\.\n {2}Expected a section localizer: or \/\*\*:/,
      );
    });
  });

  describe('CSV', () => {
    it('may name images by absolute paths', async () => {
      const [csv, out] = [at('absolute.csv'), at('absolute.vprmap')];
      await writeFile(csv, `file,x_m,y_m\n${join(images, 'plain.jpg')},1,2\n`);
      const run = await build(csv, out);
      assert.equal(run.code, 0, run.stderr);
      const built = PlaceMap.open(out);
      assert.deepEqual(
        built.places.map(({ image }) => image),
        [join(images, 'plain.jpg')],
      );
      built.close();
    });

    const refused = [
      {
        name: 'without its column file',
        csv: 'image,lat,lon\nplain.jpg,1,2\n',
        says: /no column 'file'.*columns are: image, lat, lon/,
      },
      { name: 'with lat but no lon', csv: 'file,lat\nplain.jpg,1\n', says: /no column 'lon'/ },
      { name: 'without rows', csv: 'file,lat,lon\n', says: /index\.csv/ },
      { name: 'that is empty', csv: '', says: /index\.csv/ },
      {
        name: 'of missing files only',
        csv: 'file\na.jpg\nb.jpg\n',
        says: /none of its 2 images could be used.*a\.jpg/,
      },
      {
        name: 'without the wanted role',
        csv: 'file,role\nplain.jpg,query\n',
        more: ['--role', 'database'],
        says: /role.*database/,
      },
    ];
    for (const [index, { name, csv, more = [], says }] of refused.entries()) {
      it(`${name} is refused`, async () => {
        const source = at(`csv${index}`);
        await mkdir(source);
        await copyFile(join(images, 'plain.jpg'), join(source, 'plain.jpg'));
        await writeFile(join(source, 'index.csv'), csv);
        assertRefused(await build(join(source, 'index.csv'), at(`csv${index}.vprmap`), ...more), says);
      });
    }

    it('with wrong rows among good ones: the rows are named, the rest is built', async () => {
      const rows = [
        'file,x_m,y_m,yaw_deg,frame',
        'plain.jpg,1.5,2,90,0',
        'plain.png,north,2,90,1',
        'missing.jpg,1,2,90,2',
        'plain.jpg,9,9,0,3',
        'cmyk.jpg,3,,0,4',
        'grey.jpg,4,5,0,5',
      ];
      await writeFile(join(images, 'rows.csv'), `${rows.join('\n')}\n`);
      const out = at('rows.vprmap');
      const run = await build(join(images, 'rows.csv'), out);
      assert.equal(run.code, 0, run.stderr);
      for (const line of [3, 4, 5, 6]) assert.match(run.stderr, new RegExp(`rows\\.csv line ${line}: `));
      const built = PlaceMap.open(out);
      assert.deepEqual(
        built.places.map(({ image, pose }) => [image, pose!.x, pose!.y]),
        [
          ['plain.jpg', 1.5, 2],
          ['grey.jpg', 4, 5],
        ],
      );
      built.close();
    });
  });

  it('an empty folder and a path that is not there are refused', async () => {
    await mkdir(at('empty'));
    assertRefused(await build(at('empty'), at('e.vprmap')), /empty/);
    assertRefused(await build(at('nowhere'), at('e.vprmap')), /nowhere does not exist/);
  });

  describe('maps', () => {
    const cases: readonly { name: string; damage: (path: string) => Promise<unknown>; says: RegExp }[] = [
      {
        name: 'truncated',
        damage: async (path) => truncate(path, 9000),
        says: /is truncated: it holds 9000 of \d+ bytes/,
      },
      { name: 'empty', damage: async (path) => truncate(path, 0), says: /not a netvlad map: it is empty/ },
      {
        name: 'something else',
        damage: async (path) => writeFile(path, 'a letter to grandmother'),
        says: /not a SQLite file/,
      },
      {
        name: 'of a newer format',
        damage: (path) => Promise.resolve(new Database(path).pragma('user_version = 7')),
        says: /has format 7; this version reads formats up to 1[^]*Update netvlad_localizer/,
      },
    ];
    for (const [index, { name, damage, says }] of cases.entries()) {
      it(`${name}: refused by info, verify, query and evaluate alike`, async () => {
        const path = at(`damaged${index}.vprmap`);
        await copyFile(map, path);
        await damage(path);
        const before = await readFile(path);
        const image = join(images, 'plain.jpg');
        const commands = [
          ['map', 'info', path],
          ['map', 'verify', path],
          ['query', image, '--map', path, '--model', model],
          ['evaluate', '--map', path, '--queries', images, '--frames', '1', '--model', model],
        ];
        for (const args of commands) assertRefused(await runNetvlad(args), says);
        assert.deepEqual(await readFile(path), before, 'nobody touched it');
      });
    }

    it('of another model are refused by name of both', async () => {
      const other = await writeTinyModel({ folder: at('other'), name: 'other', seed: 2 });
      const image = join(images, 'plain.jpg');
      const says = /made by the model tiny \(sha256 [0-9a-f]{12}\), not by other \(sha256 [0-9a-f]{12}\)/;
      assertRefused(await runNetvlad(['query', image, '--map', map, '--model', other]), says);
      const evaluate = ['evaluate', '--map', map, '--queries', images, '--frames', '1', '--model', other];
      assertRefused(await runNetvlad(evaluate), says);
    });
  });

  describe('models', () => {
    const cases: readonly {
      name: string;
      damage: (onnx: string, manifest: string) => Promise<unknown>;
      says: RegExp;
    }[] = [
      {
        name: 'without a manifest',
        damage: async (_, manifest) => rm(manifest),
        says: /tiny\.json: there is no such file/,
      },
      {
        name: 'with a wrong checksum',
        damage: async (onnx) => writeFile(onnx, Buffer.concat([await readFile(onnx), Buffer.of(0)])),
        says: /expects sha256 [0-9a-f]{64}, the file has [0-9a-f]{64}/,
      },
      {
        name: 'whose manifest names another input',
        damage: async (_, manifest) => {
          const text = await readFile(manifest, 'utf8');
          await writeFile(manifest, text.replace('"input": "image"', '"input": "picture"'));
        },
        says: /is not what its manifest says: .*picture/,
      },
      {
        name: 'whose manifest is no JSON',
        damage: async (_, manifest) => writeFile(manifest, '{ "format": 1, '),
        says: /tiny\.json is not JSON/,
      },
    ];
    for (const [index, { name, damage, says }] of cases.entries()) {
      it(`${name} are refused`, async () => {
        const onnx = await writeTinyModel({ folder: at(`model${index}`) });
        await damage(onnx, join(dirname(onnx), 'tiny.json'));
        assertRefused(await runNetvlad(['map', 'build', images, '--out', at('m.vprmap'), '--model', onnx]), says);
      });
    }
  });

  describe('interruption', () => {
    let many: string;
    before(async () => {
      many = at('many'); // so many that the signal comes in the middle
      await mkdir(many);
      const jpeg = await USABLE_IMAGES['plain.jpg']!.encode();
      for (let i = 0; i < 1500; i++) await writeFile(join(many, `${i}.jpg`), jpeg);
    });

    /** Sends the signal once, when the temporary map is there: a second one would end the process at once. */
    async function buildAndSignal(signal: NodeJS.Signals, out: string): Promise<CommandRun> {
      const args = ['map', 'build', many, '--out', out, '--model', model, '--batch', '1'];
      let sendSignal: (signal: NodeJS.Signals) => void = () => undefined;
      const run = runNetvlad(args, {
        onStart: (kill) => {
          sendSignal = kill;
        },
      });
      while (!existsSync(`${out}.partial-wal`)) await delay(20);
      sendSignal(signal);
      return run;
    }

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`${signal} while building: exit code 130, nothing left, the old map whole`, async () => {
        const out = at('interrupted.vprmap');
        await copyFile(map, out);
        const before = await readFile(out);
        const run = await buildAndSignal(signal, out);
        assert.equal(run.code, 130, run.stderr);
        assert.deepEqual(await readFile(out), before);
        assert.deepEqual(
          (await readdir(folder)).filter((name) => name.startsWith('interrupted')),
          ['interrupted.vprmap'],
        );
      });
    }

    it('SIGKILL while building: the old map is whole, and the next build cleans up', async () => {
      const out = at('killed.vprmap');
      await copyFile(map, out);
      const before = await readFile(out);
      const run = await buildAndSignal('SIGKILL', out);
      assert.equal(run.code, null);
      assert.deepEqual(await readFile(out), before);
      assert.equal((await build(images, out)).code, 0);
      assert.deepEqual(
        (await readdir(folder)).filter((name) => name.startsWith('killed')),
        ['killed.vprmap'],
      );
      assert.equal((await runNetvlad(['map', 'verify', out])).code, 0);
    });
  });
});
