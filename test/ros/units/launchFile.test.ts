/** @file What launch/localizer.launch.py makes of its arguments: typed parameters of the table, remappings, environment. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { PARAMETERS } from '../../../src/ros/parameters.ts';
import { PROJECT } from '../support/project.ts';

interface LaunchedNode {
  readonly executable: string;
  readonly name: string;
  readonly namespace: string;
  /** The parameter file, then what overrides it. */
  readonly parameters: readonly [string, Readonly<Record<string, unknown>>];
  readonly remappings: readonly (readonly [string, string])[];
  readonly additional_env: Readonly<Record<string, string>>;
}

const PROFILE_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE';

function launch(launchArguments: Readonly<Record<string, string>> = {}, profile = ''): LaunchedNode {
  const script = path.join(PROJECT, 'test', 'ros', 'peers', 'describe_launch.py');
  const file = path.join(PROJECT, 'launch', 'localizer.launch.py');
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== PROFILE_VARIABLE));
  const { status, stdout, stderr } = spawnSync('python3', [script, file, JSON.stringify(launchArguments)], {
    encoding: 'utf8',
    env: profile === '' ? environment : { ...environment, [PROFILE_VARIABLE]: profile },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as LaunchedNode;
}

describe('launch/localizer.launch.py', () => {
  it('leaves everything to the parameter file of the package when nothing is given', () => {
    const node = launch();
    assert.deepEqual([node.executable, node.name, node.namespace], ['localizer_node', 'localizer', '']);
    assert.deepEqual(node.parameters, [path.join(PROJECT, 'config', 'localizer.yaml'), {}]);
    assert.deepEqual(node.remappings, []);
  });

  it('turns arguments into typed parameters that the node has', () => {
    const { parameters } = launch({
      map: '/maps/city.vprmap',
      model: '/models/m.json',
      provider: 'cuda, cpu',
      image_transport: 'compressed',
      use_sim_time: 'true',
      autostart: 'False',
      log_level: 'debug',
    });
    assert.deepEqual(parameters[1], {
      map: '/maps/city.vprmap',
      model: '/models/m.json',
      providers: ['cuda', 'cpu'],
      image_transport: 'compressed',
      use_sim_time: true,
      autostart: false,
      log_level: 'debug',
    });
    assert.deepEqual(
      Object.keys(parameters[1]).filter((name) => !(name in PARAMETERS)),
      [],
    );
  });

  for (const image of ['/camera/image_raw', '/camera/image_raw/compressed']) {
    it(`takes the compressed twin along with ${image}`, () => {
      assert.deepEqual(launch({ image, fix: '/gps/fix' }).remappings, [
        ['image', '/camera/image_raw'],
        ['image/compressed', '/camera/image_raw/compressed'],
        ['fix', '/gps/fix'],
      ]);
    });
  }

  it('sets the Fast-DDS profile unless there is one', () => {
    const file = launch().additional_env[PROFILE_VARIABLE];
    assert.ok(file !== undefined && existsSync(file));
    assert.deepEqual(launch({}, '/my/profile.xml').additional_env, {});
  });

  it('refuses what is neither true nor false, by name', () => {
    assert.throws(() => launch({ autostart: 'yes' }), /launch argument autostart: expected true or false, got 'yes'/);
  });
});
