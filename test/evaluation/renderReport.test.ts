/** @file The report page: complete without a network, safe with any text in it, drawable by the library it carries. */
import assert from 'node:assert/strict';
import * as echarts from 'echarts';
import { renderReport } from '../../src/evaluation/report/renderReport.ts';
import { createReportCharts } from '../../src/evaluation/report/reportCharts.ts';
import type { ReportDocument } from '../../src/evaluation/report/ReportDocument.ts';
import { sampleReport } from './support/sampleReport.ts';

const EMPTY: ReportDocument = {
  ...{ title: 'Nothing', subtitle: '', headline: [], recall: null, acceptance: [], reliability: null, errors: [] },
  ...{ trajectory: null, timings: [], losses: [], failures: [], successes: [], facts: [] },
};

describe('renderReport', () => {
  it('refers to nothing outside of itself', async () => {
    const page = renderReport(await sampleReport());
    const ownMarkup = page.replace(/<script>[\s\S]*?<\/script>/g, '');
    const addresses = [...ownMarkup.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!);
    assert.ok(addresses.length > 10);
    for (const address of addresses) assert.match(address, /^data:/);
    assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
  });

  it('keeps text from becoming markup, in the page and in the embedded data', async () => {
    const hostile = '</script><img src=x onerror=alert(1)>';
    const sample = await sampleReport();
    const page = renderReport({
      ...sample,
      title: hostile,
      errors: [{ seconds: 0, errorM: 1, state: 'located', label: hostile }],
      losses: [{ reason: hostile, count: 1, examples: [hostile] }],
    });
    assert.equal(page.includes(hostile), false);
    assert.equal(page.includes('<img src=x'), false);
    const [, json] = /<script type="application\/json" id="charts">([\s\S]*?)<\/script>/.exec(page)!;
    assert.ok(JSON.stringify(JSON.parse(json!)).includes('onerror'), 'the label is still there, as data');
  });

  it('gives the same page for the same document', async () => {
    assert.equal(renderReport(await sampleReport()), renderReport(await sampleReport()));
  });

  it('shows every part that there is, and no part that there is not', async () => {
    const full = renderReport(await sampleReport());
    for (const part of ['Recall@N', 'Worst failures', 'Random successes', 'Left out', 'nearest true', 'What was run']) {
      assert.ok(full.includes(part), part);
    }
    const empty = renderReport(EMPTY);
    for (const part of ['Recall@N', 'Worst failures', 'Left out', '<script'])
      assert.equal(empty.includes(part), false, part);
  });
});

describe('createReportCharts', () => {
  for (const width of [1240, 376]) {
    it(`draws every chart at ${width} pixels with its series and titles of axes`, async () => {
      const charts = createReportCharts(await sampleReport());
      assert.deepEqual(
        charts.map(({ id }) => id),
        ['recall', 'acceptance', 'reliability', 'timings', 'errors', 'trajectory'],
      );
      for (const { id, option } of charts) {
        const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height: 320 });
        chart.setOption({ animation: false, ...option });
        const svg = chart.renderToSVGString();
        chart.dispose();
        assert.ok((svg.match(/<path/g) ?? []).length > 4, `${id}: ${svg.length} characters`);
        assert.equal(svg.includes('NaN'), false, `${id} draws NaN`);
      }
    });
  }
});
