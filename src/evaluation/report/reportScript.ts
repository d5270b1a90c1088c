/** @file The script of the page: draws the charts of the embedded JSON, in the reader's theme, at the window's size. */

/** Plain JavaScript for browsers; `echarts` is on the page before it. */
export const REPORT_SCRIPT = `
'use strict';
(() => {
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const drawn = new Map();

  // A metre is as long north as east, whatever the shape of the window.
  function fit(chart, element, extent) {
    const inner = { width: element.clientWidth - 90, height: element.clientHeight - 110 };
    const size = { x: Math.max(extent.x[1] - extent.x[0], 1), y: Math.max(extent.y[1] - extent.y[0], 1) };
    const metresPerPixel = 1.08 * Math.max(size.x / inner.width, size.y / inner.height);
    const axis = (range, pixels) => {
      const middle = (range[0] + range[1]) / 2;
      const half = (metresPerPixel * pixels) / 2;
      const digits = half > 50 ? 0 : 1;
      return { min: Number((middle - half).toFixed(digits)), max: Number((middle + half).toFixed(digits)) };
    };
    chart.setOption({ xAxis: axis(extent.x, inner.width), yAxis: axis(extent.y, inner.height) });
  }

  function draw() {
    for (const { id, option, extent } of charts) {
      const element = document.getElementById('chart-' + id);
      drawn.get(id)?.dispose();
      const chart = echarts.init(element, dark.matches ? 'dark' : null);
      chart.setOption({ backgroundColor: 'transparent', animation: false, ...option });
      if (extent) fit(chart, element, extent);
      drawn.set(id, chart);
    }
  }

  draw();
  dark.addEventListener('change', draw);
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth === width) return; // a phone's address bar comes and goes
    width = innerWidth;
    draw();
  });
})();
`;
