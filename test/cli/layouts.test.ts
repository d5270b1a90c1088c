/**
 * @file The viewers' layouts show topics that a replay with its inputs writes, and leave out none that a person wants to see.
 * Panel types and their settings are those of Lichtblick, the open continuation of Foxglove Studio; display classes those of
 * rviz_default_plugins (plugins_description.xml).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { createMcapWriter } from '../../src/bags/McapRecordingWriter.ts';
import { openBag } from '../../src/bags/openBag.ts';
import { encodePng } from '../../src/image/encode.ts';
import { fixMessage, header, odometryMessage } from '../bags/support/rosMessageBuilders.ts';
import { runMain } from '../support/runMain.ts';
import { createPatternImage, writeTinyModel } from '../support/tinyModel.ts';

const ROOT = new URL('../../../', import.meta.url);
const IMAGES = 8;

/** What the issue of a viewer is: to show image, matches, hypotheses, trajectory, diagnostics. */
const WANTED = [
  ...['/localizer/debug_image/compressed', '/localizer/hypotheses', '/localizer/hypotheses/markers'],
  ...['/localizer/hypotheses/poses', '/localizer/pose', '/localizer/fix', '/diagnostics'],
];

const topic = z.string().regex(/^\/[a-z_/]+$/);
const messagePath = z.string().regex(/^\/[a-z_/]+(\.[a-z_]+(\[\d+\])?)*$/);
const series = z.strictObject({
  value: messagePath,
  label: z.string().optional(),
  enabled: z.boolean().optional(),
  timestampMethod: z.enum(['receiveTime', 'headerStamp']),
  showLine: z.boolean().optional(),
});
const title = { foxglovePanelTitle: z.string().optional() };

/** Panel type -> the settings that it takes, as far as we set them. */
const PANELS: Readonly<Record<string, z.ZodType>> = {
  Image: z.strictObject({ ...title, imageMode: z.strictObject({ imageTopic: topic }) }),
  '3D': z.strictObject({
    ...title,
    followTf: z.string(),
    followMode: z.enum(['follow-pose', 'follow-position', 'follow-none']),
    cameraState: z.object({ distance: z.number(), perspective: z.boolean(), phi: z.number() }),
    scene: z.object({}),
    topics: z.record(topic, z.object({ visible: z.boolean(), type: z.enum(['axis', 'arrow']).optional() })),
    layers: z.record(z.string(), z.object({ layerId: z.literal('foxglove.Grid') })),
  }),
  Plot: z.strictObject({
    ...title,
    xAxisVal: z.enum(['timestamp', 'index', 'custom', 'currentCustom']),
    xAxisPath: z.strictObject({ value: messagePath, enabled: z.boolean() }).optional(),
    paths: z.array(series),
    minYValue: z.number().optional(),
    maxYValue: z.number().optional(),
    showLegend: z.boolean(),
    isSynced: z.boolean(),
  }),
  StateTransitions: z.strictObject({ ...title, paths: z.array(series), isSynced: z.boolean() }),
  map: z.strictObject({
    ...title,
    zoomLevel: z.number(),
    followTopic: topic,
    topicColors: z.record(topic, z.string()),
    disabledTopics: z.array(topic),
  }),
  DiagnosticSummary: z.strictObject({
    topicToRender: topic,
    minLevel: z.number(),
    pinnedIds: z.array(z.string()),
    hardwareIdFilter: z.string(),
  }),
  RawMessages: z.strictObject({ ...title, topicPath: messagePath, expansion: z.enum(['all', 'none']).optional() }),
};

/** Topics anywhere in a layout: strings or keys that begin with a slash, without the path into the message. */
function topicsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.startsWith('/') ? [value.split('.')[0]!] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [...topicsIn(key), ...topicsIn(inner)]);
}

describe('viewer layouts', () => {
  let folder = '';
  let written: readonly string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-layouts-'));
    const [drive, map, out] = ['drive.mcap', 'drive.vprmap', 'out.mcap'].map((name) => join(folder, name));
    await recordDrive(drive!);
    const model = ['--model', await writeTinyModel({ folder })];
    const built = await runMain(['map', 'build', drive!, '--out', map!, '--position-topic', '/ground_truth', ...model]);
    assert.equal(built.code, 0, built.stderr);
    const run = await runMain(['replay', drive!, '--map', map!, '--out', out!, '--with-inputs', ...model]);
    assert.equal(run.code, 0, run.stderr);
    const bag = await openBag(out!);
    written = bag.topics.map(({ name }) => name);
    await bag.close();
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('Foxglove: every panel of the layout is configured as its type takes it', () => {
    const layout = JSON.parse(readFileSync(new URL('config/foxglove_layout.json', ROOT), 'utf8')) as {
      readonly configById: Readonly<Record<string, unknown>>;
      readonly layout: unknown;
    };
    const shown = [...JSON.stringify(layout.layout).matchAll(/"([A-Za-z0-9]+![a-z]+)"/g)].map(([, id]) => id!);
    assert.deepEqual(shown.sort(), Object.keys(layout.configById).sort());
    for (const [id, config] of Object.entries(layout.configById)) {
      const panel = PANELS[id.split('!')[0]!];
      assert.ok(panel !== undefined, `${id} is of no known type`);
      const checked = panel.safeParse(config);
      assert.ok(checked.success, `${id}: ${checked.success ? '' : z.prettifyError(checked.error)}`);
    }
    const topics = [...new Set(topicsIn(layout.configById))];
    for (const name of topics) assert.ok(written.includes(name), `${name} is not in the recording of a replay`);
    for (const name of WANTED) assert.ok(topics.includes(name), `${name} is not shown`);
  });

  it('RViz: every display shows a topic that there is, of its kind', () => {
    const config = parse(readFileSync(new URL('config/localizer.rviz', ROOT), 'utf8')) as {
      readonly 'Visualization Manager': {
        readonly Displays: readonly { readonly Class: string; readonly Topic?: { readonly Value: string } }[];
      };
    };
    const shown = config['Visualization Manager'].Displays.flatMap(({ Class, Topic }) =>
      Topic === undefined ? [] : [[Class.replace('rviz_default_plugins/', ''), Topic.Value] as const],
    );
    assert.deepEqual(Object.fromEntries(shown), {
      Image: '/localizer/debug_image/compressed',
      MarkerArray: '/localizer/hypotheses/markers',
      Odometry: '/odom',
      PoseArray: '/localizer/hypotheses/poses',
      PoseWithCovariance: '/localizer/pose',
    });
    for (const [, name] of shown) assert.ok(written.includes(name), `${name} is not in the recording of a replay`);
  });
});

/** Patterns along a road, with odometry and fixes. */
async function recordDrive(path: string): Promise<void> {
  const writer = await createMcapWriter(path);
  for (let i = 0; i < IMAGES; i++) {
    const stampNs = 1_700_000_000_000_000_000n + BigInt(i) * 500_000_000n;
    await writer.write('/odom', 'nav_msgs/msg/Odometry', stampNs, odometryMessage(stampNs, 3 * i, 0, 0));
    await writer.write('/ground_truth', 'sensor_msgs/msg/NavSatFix', stampNs, fixMessage(stampNs, 43 + i * 3e-5, 11));
    const image = { ...{ header: header(stampNs), format: 'png' }, data: await encodePng(createPatternImage(i)) };
    await writer.write('/camera/compressed', 'sensor_msgs/msg/CompressedImage', stampNs, image);
  }
  await writer.close();
}
