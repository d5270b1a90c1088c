/** @file A report document as one HTML page that needs nothing else: charts, pictures, style and script are inside. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { TOOL_VERSION } from '../../version.ts';
import { escapeHtml, toScriptJson } from './html.ts';
import { renderGallery } from './renderGallery.ts';
import type { ReportChart } from './ReportChart.ts';
import { createReportCharts } from './reportCharts.ts';
import type { FactGroup, HeadlineNumber, Loss, RecallChart, ReportDocument } from './ReportDocument.ts';
import { REPORT_SCRIPT } from './reportScript.ts';
import { REPORT_STYLE } from './reportStyle.ts';

/** Whatever stands in the data, the page may load nothing and talk to nobody. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** The page's HTML. The same document gives the same page. */
export function renderReport(document: ReportDocument): string {
  const charts = createReportCharts(document);
  const title = escapeHtml(document.title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="generator" content="netvlad_localizer ${TOOL_VERSION}">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="subtitle">${escapeHtml(document.subtitle)}</p>
${renderHeadline(document.headline)}
${renderCharts(charts, document.recall)}
${renderGallery('Worst failures', 'Wrong answers, the most confident first.', document.failures)}
${renderGallery('Random successes', 'A random sample of the right answers.', document.successes)}
${renderLosses(document.losses)}
${renderFacts(document.facts)}
</main>
${charts.length === 0 ? '' : renderScripts(charts)}
</body>
</html>
`;
}

function renderHeadline(numbers: readonly HeadlineNumber[]): string {
  const tiles = numbers.map(
    ({ label, value, detail }) =>
      `<div><dt>${escapeHtml(label)}</dt><dd class="value">${escapeHtml(value)}</dd><dd class="detail">${escapeHtml(detail)}</dd></div>`,
  );
  return `<dl class="tiles">${tiles.join('')}</dl>`;
}

function renderCharts(charts: readonly ReportChart[], recall: RecallChart | null): string {
  const cards = charts.map(({ id, title, note, wide }) => {
    const table = id === 'recall' && recall !== null ? renderRecallTable(recall) : '';
    return `<section class="card${wide === true ? ' wide' : ''}"><h3>${escapeHtml(title)}</h3>
<div class="chart" id="chart-${id}" role="img" aria-label="${escapeHtml(title)}"></div>
<p class="note">${escapeHtml(note)}</p>${table}</section>`;
  });
  return `<div class="grid">${cards.join('\n')}</div>`;
}

function renderRecallTable({ points }: RecallChart): string {
  const percent = (fraction: number): string => `${(fraction * 100).toFixed(1)} %`;
  const rows = points.map(({ n, recall, interval95, chance }) => {
    const interval = interval95 === null ? '' : `${percent(interval95.low)} .. ${percent(interval95.high)}`;
    return `<tr><td>${n}</td><td class="number">${percent(recall)}</td><td class="number">${interval}</td><td class="number">${percent(chance)}</td></tr>`;
  });
  return `<details><summary>as numbers</summary><div class="scroll"><table>
<tr><th>N</th><th class="number">recall</th><th class="number">95 %</th><th class="number">chance</th></tr>${rows.join('')}</table></div></details>`;
}

function renderLosses(losses: readonly Loss[]): string {
  if (losses.length === 0) return '';
  const rows = losses.map(({ reason, count, examples }) => {
    const names = examples.map((name) => `<div class="detail">${escapeHtml(name)}</div>`).join('');
    return `<tr><td>${escapeHtml(reason)}${names}</td><td class="number">${count}</td></tr>`;
  });
  return `<h2>Left out</h2><div class="card"><table>
<tr><th>reason</th><th class="number">count</th></tr>${rows.join('')}</table></div>`;
}

function renderFacts(groups: readonly FactGroup[]): string {
  if (groups.length === 0) return '';
  const cards = groups.map(({ title, rows }) => {
    const lines = rows.map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`);
    return `<section class="card"><h3>${escapeHtml(title)}</h3><table class="facts">${lines.join('')}</table></section>`;
  });
  return `<h2>What was run</h2><div class="grid">${cards.join('')}</div>`;
}

function renderScripts(charts: readonly ReportChart[]): string {
  const data = charts.map(({ id, option, extent }) => ({ id, option, extent }));
  return `<script type="application/json" id="charts">${toScriptJson(data)}</script>
<script>${readChartLibrary()}</script>
<script>${REPORT_SCRIPT}</script>`;
}

/** ECharts with the common chart types, minified. */
function readChartLibrary(): string {
  return readFileSync(createRequire(import.meta.url).resolve('echarts/dist/echarts.common.min.js'), 'utf8');
}
