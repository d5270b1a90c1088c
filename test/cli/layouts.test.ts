/**
 * @file The viewers' layouts show topics that a replay with its inputs writes, and leave out none that a person wants to see.
 * Panel types and their settings are those of Lichtblick, the open continuation of Foxglove Studio; display classes, their types
 * and properties those of rviz_default_plugins (plugins_description.xml, the displays' sources).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { createMcapWriter } from '../../src/bags/McapRecordingWriter.ts';
import { findRos2Definition } from '../../src/bags/messageDefinitions.ts';
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
  ...['/localizer/hypotheses/poses', '/localizer/pose', '/localizer/fix', '/localizer/trajectory', '/diagnostics'],
];

const topic = z.string().regex(/^\/[a-z_/]+$/);
const messagePath = z.string().regex(/^\/[a-z_/]+(\.[a-z_]+(\[(\d+|:)\])?)*$/);
const series = z.strictObject({
  value: messagePath,
  label: z.string().optional(),
  enabled: z.boolean().optional(),
  timestampMethod: z.enum(['receiveTime', 'headerStamp']),
  showLine: z.boolean().optional(),
});
/** The two viewers keep a panel's title under names of their own. */
const title = { foxglovePanelTitle: z.string().optional(), lichtblickPanelTitle: z.string().optional() };
const colour = z.string().regex(/^#[0-9a-f]{6}([0-9a-f]{2})?$/);
/** Frames from the whole recording, not only from what was played so far. */
const transforms = z.strictObject({ enablePreloading: z.literal(true), showLabel: z.boolean().optional() });
const shape3d = z.strictObject({
  visible: z.boolean(),
  type: z.enum(['axis', 'arrow', 'line']).optional(),
  arrowScale: z.tuple([z.number(), z.number(), z.number()]).optional(),
  lineWidth: z.number().optional(),
  color: colour.optional(),
  gradient: z.tuple([colour, colour]).optional(),
});

/** Panel type -> the settings that it takes, as far as we set them. */
const PANELS: Readonly<Record<string, z.ZodType>> = {
  Image: z.strictObject({
    ...title,
    imageMode: z.strictObject({ imageTopic: topic }),
    scene: z.strictObject({ transforms }),
  }),
  '3D': z.strictObject({
    ...title,
    followTf: z.string(),
    followMode: z.enum(['follow-pose', 'follow-position', 'follow-none']),
    cameraState: z.object({ distance: z.number(), perspective: z.boolean(), phi: z.number() }),
    scene: z.strictObject({ transforms }),
    topics: z.record(topic, shape3d),
    layers: z.record(z.string(), z.object({ layerId: z.literal('foxglove.Grid'), color: colour })),
  }),
  Plot: z.strictObject({
    ...title,
    xAxisVal: z.enum(['timestamp', 'index', 'custom', 'currentCustom']),
    xAxisPath: z.strictObject({ value: messagePath, enabled: z.boolean() }).optional(),
    paths: z.array(series),
    minYValue: z.number().optional(),
    maxYValue: z.number().optional(),
    showLegend: z.boolean(),
    legendDisplay: z.enum(['floating', 'top', 'left', 'none']).optional(),
    sidebarDimension: z.number().optional(),
    isSynced: z.boolean(),
  }),
  StateTransitions: z.strictObject({ ...title, paths: z.array(series), isSynced: z.boolean() }),
  map: z.strictObject({
    ...title,
    zoomLevel: z.number(),
    followTopic: topic,
    topicColors: z.record(topic, colour),
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

/** Panel type -> the message types that it draws; a panel that is not listed takes any. */
const DRAWN_BY: Readonly<Record<string, readonly string[]>> = {
  Image: ['sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/Image'],
  '3D': [
    ...['geometry_msgs/msg/PoseArray', 'geometry_msgs/msg/PoseWithCovarianceStamped', 'nav_msgs/msg/Odometry'],
    ...['nav_msgs/msg/Path', 'visualization_msgs/msg/MarkerArray'],
  ],
  map: ['sensor_msgs/msg/NavSatFix'],
  DiagnosticSummary: ['diagnostic_msgs/msg/DiagnosticArray'],
};

/** QosProfileProperty of rviz_common: a word that it does not know is taken for the default without a word. */
const qosProperty = z.strictObject({
  Value: topic,
  Depth: z.int().positive(),
  'History Policy': z.enum(['Keep Last', 'Keep All', 'System Default']),
  'Reliability Policy': z.enum(['Reliable', 'Best Effort', 'System Default']),
  'Durability Policy': z.enum(['Volatile', 'Transient Local', 'System Default']),
});
const rvizColour = z.string().regex(/^\d{1,3}; \d{1,3}; \d{1,3}$/);

/** Display class -> the type that it shows, and its properties as far as we set them. A property that is none is ignored. */
const DISPLAYS: Readonly<Record<string, { readonly shows: string | null; readonly properties: z.ZodType }>> = {
  'rviz_default_plugins/Grid': {
    shows: null,
    properties: z.strictObject({
      'Cell Size': z.number(),
      'Plane Cell Count': z.int(),
      Alpha: z.number(),
      'Reference Frame': z.literal('<Fixed Frame>'),
    }),
  },
  'rviz_default_plugins/TF': {
    shows: null,
    properties: z.strictObject({
      'Marker Scale': z.number(),
      'Frame Timeout': z.number(),
      'Show Arrows': z.boolean(),
      'Show Names': z.boolean(),
    }),
  },
  // By the last part of the topic's name it subscribes through image_transport.
  'rviz_default_plugins/Image': { shows: 'sensor_msgs/msg/CompressedImage', properties: z.strictObject({}) },
  'rviz_default_plugins/MarkerArray': { shows: 'visualization_msgs/msg/MarkerArray', properties: z.strictObject({}) },
  'rviz_default_plugins/PoseArray': {
    shows: 'geometry_msgs/msg/PoseArray',
    properties: z.strictObject({ 'Arrow Length': z.number() }),
  },
  'rviz_default_plugins/PoseWithCovariance': {
    shows: 'geometry_msgs/msg/PoseWithCovarianceStamped',
    properties: z.strictObject({
      Shape: z.enum(['Arrow', 'Axes']),
      Color: rvizColour,
      'Shaft Length': z.number(),
      'Shaft Radius': z.number(),
      'Head Length': z.number(),
      'Head Radius': z.number(),
      Covariance: z.strictObject({
        Value: z.boolean(),
        Position: z.strictObject({ Value: z.boolean(), Color: rvizColour, Alpha: z.number(), Scale: z.number() }),
        Orientation: z.strictObject({ Value: z.boolean(), Alpha: z.number() }),
      }),
    }),
  },
  'rviz_default_plugins/Path': {
    shows: 'nav_msgs/msg/Path',
    properties: z.strictObject({
      Color: rvizColour,
      'Line Style': z.enum(['Lines', 'Billboards']),
      'Line Width': z.number(),
      'Pose Style': z.enum(['None', 'Axes', 'Arrows']),
    }),
  },
  'rviz_default_plugins/Odometry': {
    shows: 'nav_msgs/msg/Odometry',
    properties: z.strictObject({
      Keep: z.int(),
      'Position Tolerance': z.number(),
      'Angle Tolerance': z.number(),
      Shape: z.strictObject({
        Value: z.enum(['Arrow', 'Axes']),
        'Head Length': z.number(),
        'Shaft Length': z.number(),
      }),
      Covariance: z.strictObject({ Value: z.boolean() }),
    }),
  },
};
const TOOLS = ['rviz_default_plugins/MoveCamera', 'rviz_default_plugins/Measure'];
const VIEWS = ['rviz_default_plugins/TopDownOrtho', 'rviz_default_plugins/Orbit'];
/** It has no display for these. */
const NOT_IN_RVIZ = ['/localizer/hypotheses', '/localizer/fix'];

/** Every string and every key. */
function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...stringsIn(inner)]);
}

describe('viewer layouts', () => {
  let folder = '';
  /** Topic -> type. */
  let written: ReadonlyMap<string, string> = new Map();

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
    written = new Map(bag.topics.map(({ name, type }) => [name, type]));
    await bag.close();
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('Foxglove: every panel of the layout is configured as its type takes it', () => {
    const layout = readLayout();
    const shown = [...JSON.stringify(layout.layout).matchAll(/"([A-Za-z0-9]+![a-z]+)"/g)].map(([, id]) => id!);
    assert.deepEqual(shown.sort(), Object.keys(layout.configById).sort());
    for (const [id, config] of Object.entries(layout.configById)) {
      const panel = PANELS[id.split('!')[0]!];
      assert.ok(panel !== undefined, `${id} is of no known type`);
      const checked = panel.safeParse(config);
      assert.ok(checked.success, `${id}: ${checked.success ? '' : z.prettifyError(checked.error)}`);
    }
    const topics = shownIn(layout.configById).map(({ name }) => name);
    for (const name of WANTED) assert.ok(topics.includes(name), `${name} is not shown`);
  });

  it('Foxglove: titles are there for both viewers, and a plot over another field draws the latest message', () => {
    for (const [id, config] of Object.entries(readLayout().configById)) {
      const panel = config as Readonly<Record<string, unknown>>;
      assert.equal(panel.lichtblickPanelTitle, panel.foxglovePanelTitle, id);
      // Over all messages Lichtblick 1.28.1 gives those of the topic on the x axis to that axis alone, and draws nothing.
      assert.notEqual(panel.xAxisVal, 'custom', id);
    }
  });

  it('Foxglove: every panel shows topics of a type that it draws, and fields that there are', () => {
    for (const { id, name, path } of shownIn(readLayout().configById)) {
      const type = typeOf(name);
      const drawn = DRAWN_BY[id.split('!')[0]!];
      // The truth may be a pose or a fix, as in the recording that is replayed.
      if (name !== '/ground_truth') assert.ok(drawn?.includes(type) ?? true, `${id} does not draw ${name}, a ${type}`);
      const missing = findMissingField(type, path);
      assert.equal(missing, null, `${id}: ${name} has no field ${missing}`);
    }
  });

  it('RViz: every display is one that there is, with properties that it has, of a topic of its type', () => {
    const { Panels: panels, 'Visualization Manager': manager } = readRviz();
    for (const { Class } of panels)
      assert.ok(['Displays', 'Views', 'Time'].includes(Class.replace('rviz_common/', '')));
    for (const { Class } of manager.Tools) assert.ok(TOOLS.includes(Class), Class);
    for (const { Class } of [manager.Views.Current, ...manager.Views.Saved]) assert.ok(VIEWS.includes(Class), Class);
    const shown: string[] = [];
    for (const { Class, Name, Enabled, Topic, ...properties } of manager.Displays) {
      const display = DISPLAYS[Class];
      assert.ok(display !== undefined, `${Class} is no display of rviz_default_plugins`);
      assert.equal(typeof Enabled, 'boolean', Name);
      const checked = display.properties.safeParse(properties);
      assert.ok(checked.success, `${Name}: ${checked.success ? '' : z.prettifyError(checked.error)}`);
      if (display.shows === null) continue;
      const { Value: name, ...qos } = qosProperty.parse(Topic);
      assert.equal(typeOf(name), display.shows, `${Name} shows ${name}`);
      const isPicture = name.endsWith('/compressed');
      if (isPicture || name === '/odom')
        assert.equal(qos['Reliability Policy'], 'Best Effort', `${Name} is offered that`);
      shown.push(name);
    }
    for (const name of WANTED.filter((topic) => topic.startsWith('/localizer/') && !NOT_IN_RVIZ.includes(topic))) {
      assert.ok(shown.includes(name), `${name} is not shown`);
    }
  });

  it('RViz: the window says where each dock is, and whether those at the sides are hidden', () => {
    const { Panels: panels, 'Visualization Manager': manager, 'Window Geometry': geometry } = readRviz();
    // RViz 14.1 reads a key that is absent into a variable without a value.
    assert.deepEqual([geometry['Hide Left Dock'], geometry['Hide Right Dock']], [false, true]);
    // What QMainWindow::saveState writes: docks by their names, in UTF-16. One that it does not know goes to the left.
    const state = Buffer.from(geometry['QMainWindow State'], 'hex');
    const pictures = manager.Displays.filter(({ Class }) => Class === 'rviz_default_plugins/Image');
    for (const { Name } of [...panels, ...pictures]) {
      assert.ok(state.includes(Buffer.from(Name, 'utf16le').swap16()), `no place for "${Name}"`);
    }
  });

  function typeOf(name: string): string {
    const found = written.get(name);
    assert.ok(found !== undefined, `${name} is not in the recording of a replay`);
    return found;
  }
});

interface ShownTopic {
  /** Of the panel. */
  readonly id: string;
  readonly name: string;
  /** Fields into the message: `hypotheses[0].similarity` is two. */
  readonly path: readonly string[];
}

function shownIn(panels: Readonly<Record<string, unknown>>): readonly ShownTopic[] {
  return Object.entries(panels).flatMap(([id, config]) =>
    stringsIn(config).flatMap((text) => {
      if (!text.startsWith('/')) return [];
      const [name, ...path] = text.split('.');
      return [{ id, name: name!, path: path.map((field) => field.replace(/\[(\d+|:)\]$/, '')) }];
    }),
  );
}

/** The first field of a path that a message has not; null when it has all. */
function findMissingField(type: string, path: readonly string[]): string | null {
  const definitions = findRos2Definition(type)!.definitions;
  let current = definitions[0]!;
  for (const [depth, field] of path.entries()) {
    const found = current.definitions.find(({ name }) => name === field);
    if (found === undefined) return path.slice(0, depth + 1).join('.');
    if (found.isComplex === true) current = definitions.find(({ name }) => name === found.type)!;
  }
  return null;
}

interface Layout {
  readonly configById: Readonly<Record<string, unknown>>;
  readonly layout: unknown;
}

function readLayout(): Layout {
  return JSON.parse(readFileSync(new URL('config/foxglove_layout.json', ROOT), 'utf8')) as Layout;
}

interface RvizConfig {
  readonly Panels: readonly { readonly Class: string; readonly Name: string }[];
  readonly 'Visualization Manager': {
    readonly Displays: readonly (Readonly<Record<string, unknown>> & {
      readonly Class: string;
      readonly Name: string;
      readonly Enabled: unknown;
      readonly Topic?: unknown;
    })[];
    readonly Tools: readonly { readonly Class: string }[];
    readonly Views: {
      readonly Current: { readonly Class: string };
      readonly Saved: readonly { readonly Class: string }[];
    };
  };
  readonly 'Window Geometry': {
    readonly 'Hide Left Dock': boolean;
    readonly 'Hide Right Dock': boolean;
    readonly 'QMainWindow State': string;
  };
}

function readRviz(): RvizConfig {
  return parse(readFileSync(new URL('config/localizer.rviz', ROOT), 'utf8')) as RvizConfig;
}

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
