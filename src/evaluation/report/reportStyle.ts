/** @file How a report looks: one column on a phone, two on a desk, the reader's own light or dark. */

export const REPORT_STYLE = `
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #ffffff; --text: #1c2330; --quiet: #5d6675; --line: #dfe3ea;
  --right: #1f9d68; --wrong: #d6455d; --accent: #2f66c4; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171d; --card: #1d2129; --text: #e6e9ef; --quiet: #9aa3b2; --line: #323844; --accent: #7fa9f0; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 24px 20px 48px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 36px 0 12px; }
h3 { font-size: 15px; margin: 0 0 8px; }
.subtitle, .note, figcaption, .detail { color: var(--quiet); }
.subtitle { margin: 0 0 20px; overflow-wrap: anywhere; }
.note { font-size: 13px; margin: 6px 0 0; }
h2 + .note { margin: -6px 0 12px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px; margin: 0; }
.tiles div, .card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; }
.tiles dt { color: var(--quiet); font-size: 13px; }
.tiles dd { margin: 0; }
.tiles .value { font-size: 24px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tiles .detail { font-size: 13px; }
.grid { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; margin-top: 16px; }
.grid > * { min-width: 0; }
.wide { grid-column: 1 / -1; }
.chart { width: 100%; height: 320px; }
.wide .chart { height: 460px; }
.item { margin-bottom: 16px; }
.strip { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 12px; }
figure { margin: 0; min-width: 0; }
figure img, .blank { display: block; width: 100%; height: auto; border-radius: 4px; border: 3px solid var(--line); }
.blank { aspect-ratio: 4 / 3; background: var(--line); }
.right img { border-color: var(--right); }
.wrong img { border-color: var(--wrong); }
figcaption { font-size: 12.5px; margin-top: 4px; overflow-wrap: anywhere; }
figcaption b { color: var(--text); font-weight: 600; }
.pair { position: relative; display: grid; grid-template-columns: 1fr 1fr; max-width: 860px; margin-top: 12px; }
.pair img { display: block; width: 100%; height: 100%; }
.pair svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.pair line { stroke: #35d07f; stroke-opacity: 0.8; vector-effect: non-scaling-stroke; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--quiet); font-weight: 500; }
td { overflow-wrap: anywhere; }
td.number, th.number { text-align: right; }
.facts th { width: 38%; }
details summary { cursor: pointer; color: var(--accent); margin-top: 8px; }
@media (max-width: 820px) {
  main { padding: 16px 12px 40px; }
  h1 { font-size: 21px; }
  .grid { grid-template-columns: minmax(0, 1fr); gap: 12px; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px; }
  .tiles div, .card { padding: 10px 12px; }
  .tiles .value { font-size: 20px; }
  .strip { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px; }
  .wide .chart { height: 380px; }
}
`;
