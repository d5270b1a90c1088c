/** @file The viewers' layouts show topics that exist, and leave out none of those that a person wants to see. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const ROOT = new URL('../../../', import.meta.url);

/** What the node publishes (README, topics). */
const TOPICS = [
  ...['/localizer/pose', '/localizer/fix', '/localizer/hypotheses', '/localizer/hypotheses/poses'],
  ...['/localizer/hypotheses/markers', '/localizer/debug_image/compressed'],
];

function topicsIn(text: string): Set<string> {
  return new Set([...text.matchAll(/\/localizer\/[a-z_/]+/g)].map(([topic]) => topic));
}

describe('viewer layouts', () => {
  it('Foxglove: every panel of the layout is configured, every topic is of the node', () => {
    const text = readFileSync(new URL('config/foxglove_layout.json', ROOT), 'utf8');
    const layout = JSON.parse(text) as { configById: Record<string, unknown>; layout: unknown };
    const shown = [...JSON.stringify(layout.layout).matchAll(/"([A-Za-z0-9]+![a-z]+)"/g)].map(([, id]) => id!);
    assert.deepEqual(shown.sort(), Object.keys(layout.configById).sort());
    assert.deepEqual([...topicsIn(text)].sort(), [...TOPICS].sort());
    assert.match(text, /"\/diagnostics"/);
  });

  it('RViz: every topic is of the node', () => {
    const text = readFileSync(new URL('config/localizer.rviz', ROOT), 'utf8');
    const config = parse(text) as {
      'Visualization Manager': { Displays: { Class: string; Topic?: { Value: string } }[] };
    };
    const displays = config['Visualization Manager'].Displays;
    const topics = displays.flatMap(({ Topic }) => Topic?.Value ?? []).filter((topic) => topic !== '/odom');
    for (const topic of topics) assert.ok(TOPICS.includes(topic), topic);
    assert.deepEqual(
      displays
        .filter(({ Topic }) => Topic !== undefined)
        .map(({ Class }) => Class.replace('rviz_default_plugins/', ''))
        .sort(),
      ['Image', 'MarkerArray', 'Odometry', 'PoseArray', 'PoseWithCovariance'],
    );
  });
});
