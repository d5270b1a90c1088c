/** @file `netvlad evaluate --report`: the page shows by what the matches were recognized. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMcapWriter } from '../../src/bags/McapRecordingWriter.ts';
import { encodePng } from '../../src/image/encode.ts';
import { header } from '../bags/support/rosMessageBuilders.ts';
import { runMain } from '../support/runMain.ts';
import { createPatternImage, writeTinyModel } from '../support/tinyModel.ts';

const PLACES = 6;

describe('netvlad evaluate --report', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-evaluate-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('joins the verified correspondences of each shown query and its best match; none with --verify 0', async () => {
    const rows = ['file,frame'];
    for (let place = 0; place < PLACES; place++) {
      writeFileSync(join(folder, `${place}.png`), await encodePng(createPatternImage(place)));
      rows.push(`${place}.png,${place}`);
    }
    const [csv, map, report] = [join(folder, 'index.csv'), join(folder, 'town.vprmap'), join(folder, 'report')];
    writeFileSync(csv, rows.join('\n'));
    const model = await writeTinyModel({ folder });
    const built = await runMain(['map', 'build', csv, '--out', map, '--model', model]);
    assert.equal(built.code, 0, built.stderr);
    const evaluate = async (...more: string[]): Promise<string> => {
      const asked = ['--map', map, '--model', model, '--queries', csv, '--frames', '0', '--report', report];
      const run = await runMain(['evaluate', ...asked, ...more]);
      assert.equal(run.code, 0, run.stderr);
      return readFileSync(join(report, 'report.html'), 'utf8');
    };
    const verified = await evaluate();
    const pairs = [...verified.matchAll(/<summary>(\d+) verified correspondences<\/summary>/g)];
    assert.equal(pairs.length, PLACES);
    const lines = [...verified.matchAll(/<line x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"\/>/g)];
    assert.equal(
      lines.length,
      pairs.reduce((sum, [, count]) => sum + Number(count), 0),
    );
    // An image and itself: a cell agrees with itself, one picture further to the right.
    for (const [, x1, y1, x2, y2] of lines) assert.deepEqual([x2, y2], [(Number(x1) + 1).toFixed(3), y1]);
    assert.doesNotMatch(await evaluate('--verify', '0'), /verified correspondences<\/summary>/);
  });

  it('shows the queries of a recording too, read once more', async () => {
    const drive = join(folder, 'drive.mcap');
    const writer = await createMcapWriter(drive);
    for (let place = 0; place < PLACES; place++) {
      const stampNs = BigInt(place) * 1_000_000_000n;
      const message = { header: header(stampNs), format: 'png', data: await encodePng(createPatternImage(place)) };
      await writer.write('/camera/compressed', 'sensor_msgs/msg/CompressedImage', stampNs, message);
    }
    await writer.close();
    const [map, report] = [join(folder, 'drive.vprmap'), join(folder, 'report')];
    const model = ['--model', await writeTinyModel({ folder })];
    assert.equal((await runMain(['map', 'build', drive, '--out', map, ...model])).code, 0);
    const asked = ['--map', map, '--queries', drive, '--frames', '0', '--report', report];
    const run = await runMain(['evaluate', ...asked, ...model]);
    assert.equal(run.code, 0, run.stderr);
    const page = readFileSync(join(report, 'report.html'), 'utf8');
    assert.equal([...page.matchAll(/alt="query: /g)].length, PLACES);
    assert.equal(page.includes('class="blank"'), false);
  });
});
