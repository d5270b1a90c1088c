/** @file The parameter table, its files, and how values come into the store. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { renderParameterPage, renderParameterYaml } from '../../../src/ros/parameterFiles.ts';
import { matchesNode, parseParameterFile, readParameterOverrides } from '../../../src/ros/parameterOverrides.ts';
import type { ParameterDefinition } from '../../../src/ros/ParameterDefinition.ts';
import { PARAMETERS } from '../../../src/ros/parameters.ts';
import { fromValueMessage, listNames, toValueMessage } from '../../../src/ros/parameterServices.ts';
import { checkParameter, findNearestName, ParameterStore } from '../../../src/ros/ParameterStore.ts';
import { parseRosArguments } from '../../../src/ros/rosArguments.ts';
import { PROJECT } from '../support/project.ts';

const ALL = Object.entries(PARAMETERS) as [string, ParameterDefinition][];

describe('parameter table', () => {
  for (const [file, render] of [
    ['config/localizer.yaml', renderParameterYaml],
    ['docs/parameters.md', renderParameterPage],
  ] as const) {
    it(`is what ${file} says (npm run parameters)`, async () => {
      assert.equal(await readFile(path.join(PROJECT, file), 'utf8'), render());
    });
  }

  it('gives its own defaults back when its YAML is read by a node', () => {
    const overrides = parseParameterFile(renderParameterYaml(), '/robot/localizer');
    assert.deepEqual([...overrides.keys()].sort(), Object.keys(PARAMETERS).sort());
    const store = new ParameterStore(overrides);
    assert.deepEqual([store.declare(PARAMETERS), store.checkUnknown()], [[], []]);
    for (const [name, definition] of ALL) assert.deepEqual(store.value(name), definition.default, name);
  });

  for (const [name, definition] of ALL) {
    it(`${name}: the default fits, and so does each end of the range, but nothing beyond`, () => {
      assert.ok('value' in checkParameter(definition, definition.default));
      if (!('range' in definition)) return;
      const [least, most] = definition.range;
      for (const value of [least, most]) assert.deepEqual(checkParameter(definition, value), { value });
      for (const value of [least - 1, most + 1, NaN, Infinity])
        assert.ok('problem' in checkParameter(definition, value));
    });
  }
});

describe('ROS arguments', () => {
  it('keeps parameters from rcl and leaves it the rest', () => {
    const parsed = parseRosArguments([
      ...['--flag', '--ros-args', '-r', '__ns:=/robot', '-p', 'map:=/m.vprmap', '--params-file', 'a.yaml'],
      ...['--log-level', 'debug', '--param', 'camera:top_k:=3', '--', 'tail'],
    ]);
    assert.deepEqual(parsed.forRcl, ['--ros-args', '-r', '__ns:=/robot', '--log-level', 'debug']);
    assert.deepEqual(parsed.parameterRules, [
      { kind: 'value', node: '/**', name: 'map', value: '/m.vprmap' },
      { kind: 'file', path: 'a.yaml' },
      { kind: 'value', node: 'camera', name: 'top_k', value: '3' },
    ]);
    assert.deepEqual(parsed.others, ['--flag', 'tail']);
  });

  it('says what a rule lacks', () => {
    assert.throws(() => parseRosArguments(['--ros-args', '-p']), { code: 'usage', message: /-p needs a value/ });
    assert.throws(() => parseRosArguments(['--ros-args', '-p', 'map']), { message: /expected name:=value/ });
  });
});

describe('node patterns of parameter files', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['/**', '/robot/localizer', true],
    ['/**', '/localizer', true],
    ['localizer', '/localizer', true],
    ['localizer', '/robot/localizer', false],
    ['/robot/localizer', '/robot/localizer', true],
    ['robot/localizer', '/robot/localizer', true],
    ['/*/localizer', '/robot/localizer', true],
    ['/*/localizer', '/a/b/localizer', false],
    ['/**/localizer', '/a/b/localizer', true],
    ['/**/localizer', '/localizer', true],
    ['/robot/**', '/robot/front/localizer', true],
    ['/robot/**', '/robots/localizer', false],
    ['/robot.1/localizer', '/robotx1/localizer', false],
  ];
  for (const [pattern, name, expected] of cases) {
    it(`${pattern} ${expected ? 'means' : 'does not mean'} ${name}`, () => {
      assert.equal(matchesNode(pattern, name), expected);
    });
  }
});

describe('parameter overrides', () => {
  it('reads nested names and namespaces, later sections over earlier ones', () => {
    const overrides = parseParameterFile(
      `
/**: {ros__parameters: {top_k: 1, diagnostic_updater: {period: 2}}}
robot: {localizer: {ros__parameters: {top_k: 2}}}
/other: {ros__parameters: {top_k: 3, rings: [1, 2]}}
`,
      '/robot/localizer',
    );
    assert.deepEqual(Object.fromEntries(overrides), { top_k: 2n, 'diagnostic_updater.period': 2n });
  });

  it('lets a later rule of the command line win', async () => {
    const rules = [
      { kind: 'value', node: '/**', name: 'top_k', value: '4' },
      { kind: 'value', node: '/elsewhere', name: 'top_k', value: '5' },
      { kind: 'value', node: 'localizer', name: 'top_k', value: '6' },
    ] as const;
    assert.deepEqual(Object.fromEntries(await readParameterOverrides(rules, '/localizer')), { top_k: 6n });
  });

  it('reads values as rcl does', async () => {
    const values = { yes: true, off: false, '1.0': 1, '1': 1n, "'1'": '1', '[cpu, cuda]': ['cpu', 'cuda'], '': null };
    for (const [text, value] of Object.entries(values)) {
      const rules = [{ kind: 'value', node: '/**', name: 'x', value: text }] as const;
      assert.deepEqual((await readParameterOverrides(rules, '/n')).get('x'), value, text);
    }
  });
});

describe('ParameterStore', () => {
  it('sets all or none, and tells the listeners of each change', () => {
    const store = new ParameterStore(new Map());
    store.declare(PARAMETERS);
    const told: unknown[] = [];
    store.onChange((name, value) => told.push([name, value]));
    assert.match(
      store.set(
        new Map<string, unknown>([
          ['top_k', 5n],
          ['max_speed', -1],
        ]),
      ) ?? '',
      /max_speed: expected 0\.01/,
    );
    assert.deepEqual([store.get('top_k'), told], [20, []]);
    assert.equal(
      store.set(
        new Map<string, unknown>([
          ['top_k', 5n],
          ['max_speed', 2n],
        ]),
      ),
      null,
    );
    assert.deepEqual(told, [
      ['top_k', 5],
      ['max_speed', 2],
    ]);
  });

  it('finds the name that was meant', () => {
    const names = Object.keys(PARAMETERS);
    for (const [typed, meant] of [
      ['mapp', 'map'],
      ['image_transports', 'image_transport'],
      ['keyframe_distance', 'mapping.keyframe_distance'],
    ] as const) {
      assert.equal(findNearestName(typed, names), meant);
    }
  });
});

describe('parameter messages', () => {
  it('carry every default there and back', () => {
    for (const [name, definition] of ALL) {
      const checked = checkParameter(definition, fromValueMessage(toValueMessage(definition.type, definition.default)));
      assert.deepEqual(checked, { value: definition.default }, name);
    }
  });

  it('list names by prefix and depth as rcl_interfaces/srv/ListParameters says', () => {
    const names = ['a', 'b.c', 'b.d.e'];
    assert.deepEqual(listNames(names, [], 0), names);
    assert.deepEqual(listNames(names, [], 1), ['a']);
    assert.deepEqual(listNames(names, ['b'], 1), ['b.c']);
    assert.deepEqual(listNames(names, ['b'], 0), ['b.c', 'b.d.e']);
  });
});

describe('the YAML file', () => {
  it('is YAML that any reader takes', () => {
    const document = parse(renderParameterYaml()) as { readonly '/**': { readonly ros__parameters: object } };
    assert.equal(Object.keys(document['/**'].ros__parameters).length, ALL.length);
  });
});
