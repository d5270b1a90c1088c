/** @file The report as a browser shows it: no complaint, no request, everything drawn and nothing wider than the window. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { renderReport } from '../../src/evaluation/report/renderReport.ts';
import { Browser, findBrowser } from '../support/Browser.ts';
import { sampleReport } from './support/sampleReport.ts';

/** How much of each chart's canvas differs from its corner, 0..1. */
const INK = `[...document.querySelectorAll('.chart')].map((chart) => {
  const canvas = chart.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let drawn = 0;
  for (let at = 3; at < data.length; at += 4) if (data[at] !== data[3]) drawn++;
  return [chart.id, drawn / (canvas.width * canvas.height)];
})`;

const WIDTHS = `(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }))(document.documentElement)`;

describe('report in a browser', function () {
  this.timeout(60_000);
  let folder = '';
  let browser: Browser | null = null;

  before(function () {
    const path = findBrowser();
    if (path === null) {
      for (const test of this.test!.parent!.tests) test.title += ' (skipped: there is no Chromium here)';
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'netvlad-report-'));
    browser = Browser.start(path);
  });
  after(async () => {
    await browser?.close();
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  for (const width of [1280, 400]) {
    for (const theme of ['light', 'dark'] as const) {
      it(`${width} pixels, ${theme}: drawn whole, quiet, alone`, async () => {
        const path = join(folder, 'report.html');
        writeFileSync(path, renderReport(await sampleReport()));
        const { href } = pathToFileURL(path);
        const page = await browser!.open(href, { width, theme });
        assert.deepEqual(page.complaints, []);
        const foreign = page.requests.filter((address) => address !== href && !address.startsWith('data:'));
        assert.deepEqual(foreign, []);
        const { scrollWidth, clientWidth } = (await page.evaluate(WIDTHS)) as Record<
          'scrollWidth' | 'clientWidth',
          number
        >;
        assert.ok(scrollWidth <= clientWidth, `${scrollWidth} pixels of content in ${clientWidth}`);
        const ink = (await page.evaluate(INK)) as [string, number][];
        assert.equal(ink.length, 6);
        for (const [chart, drawn] of ink) assert.ok(drawn > 0.005, `${chart} is empty (${drawn})`);
        const background = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
        const [red] = /\d+/.exec(background)!;
        assert.equal(Number(red) < 128 ? 'dark' : 'light', theme, background);
      });
    }
  }
});
