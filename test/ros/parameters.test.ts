/** @file Parameters over their services and from YAML files as launch_ros writes them. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PARAMETERS } from '../../src/ros/parameters.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer, type Message } from './support/RosPeer.ts';

const NODE = '/robot/front/localizer';

describeOnGraph('parameters on a graph', () => {
  let town: PaintedTown;
  let peer: RosPeer;
  let node: NodeProcess;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    const file = path.join(town.folder, 'params.yaml');
    // The fully qualified key is what launch_ros writes; the lidar's integer array is none of our business.
    await writeFile(
      file,
      `/**:
  ros__parameters:
    top_k: 3
    expected_rate: 7.5
/robot/*/localizer:
  ros__parameters:
    top_k: 4
    mapping: {keyframe_distance: 5}
${NODE}:
  ros__parameters:
    map: ${town.parameters.map}
    model: ${town.parameters.model}
    accept_probability: 1
    diagnostic_updater:
      period: 0.25
    expcted_rate: 30.0
    verify_top_k: -3
/robot/lidar:
  ros__parameters:
    rings: [1, 2, 3]
    top_k: 99
/robot/localizer:
  ros__parameters:
    top_k: 77
`,
    );
    node = NodeProcess.start({
      rosArguments: ['-r', '__ns:=/robot/front', '--params-file', file, '-p', 'max_speed:=2', '-p', 'other:top_k:=1'],
      parameters: { 'mapping.novelty': 0 },
    });
    await node.logged(/Listening to/);
  });

  after(async () => {
    assert.ok(node.isAlive, node.log);
    assert.equal((await node.end()).code, 0);
    await peer.stop();
    await town.remove();
  });

  async function get(name: string): Promise<Message> {
    const type = 'rcl_interfaces/srv/GetParameters';
    return (await peer.call<{ values: Message[] }>(`${NODE}/get_parameters`, type, { names: [name] })).values[0]!;
  }

  async function set(name: string, value: Message): Promise<{ successful: boolean; reason: string }> {
    const type = 'rcl_interfaces/srv/SetParameters';
    const answer = await peer.call<{ results: { successful: boolean; reason: string }[] }>(
      `${NODE}/set_parameters`,
      type,
      { parameters: [{ name, value }] },
    );
    return answer.results[0]!;
  }

  it('takes values by wildcard and fully qualified name, later rules over earlier ones, others not at all', async () => {
    assert.equal((await get('top_k')).integer_value, 4);
    assert.equal((await get('expected_rate')).double_value, 7.5);
    assert.equal((await get('diagnostic_updater.period')).double_value, 0.25);
  });

  it('takes an integer where a double is meant', async () => {
    assert.deepEqual([(await get('max_speed')).type, (await get('max_speed')).double_value], [3, 2]);
    assert.equal((await get('mapping.keyframe_distance')).double_value, 5);
    assert.equal((await get('mapping.novelty')).double_value, 0);
    assert.deepEqual(await set('max_speed', { type: 2, integer_value: 3 }), { successful: true, reason: '' });
    assert.equal((await get('max_speed')).double_value, 3);
  });

  it('warns about what does not fit, keeps the default, and names the nearest parameter', async () => {
    assert.match(
      node.log,
      /Parameter accept_probability: expected 0\.5 to 0\.9999, got 1; the default \(0\.95\) stays/,
    );
    assert.equal((await get('accept_probability')).double_value, 0.95);
    assert.match(node.log, /Parameter verify_top_k: expected 0 to 1000, got -3/);
    assert.match(node.log, /Parameter expcted_rate is unknown and ignored\. Did you mean expected_rate\?/);
  });

  const refusals: readonly (readonly [string, string, Message, RegExp])[] = [
    ['out of range', 'top_k', { type: 2, integer_value: 0 }, /top_k: expected 1 to 1000, got 0/],
    [
      'of another type',
      'top_k',
      { type: 4, string_value: 'five' },
      /expected an integer from 1 to 1000, got the string 'five'/,
    ],
    ['a fraction for an integer', 'top_k', { type: 3, double_value: 2.5 }, /expected an integer/],
    ['no choice', 'log_level', { type: 4, string_value: 'loud' }, /expected debug or info or warn or error/],
    ['read-only', 'autostart', { type: 1, bool_value: false }, /autostart is read-only/],
    ['unknown', 'topk', { type: 2, integer_value: 5 }, /not a parameter of this node\. Did you mean top_k\?/],
    ['unset', 'top_k', { type: 0 }, /expected an integer/],
    ['an array of integers', 'top_k', { type: 7, integer_array_value: [1, 2] }, /got an array/],
  ];
  for (const [what, name, value, reason] of refusals) {
    it(`refuses a value that is ${what}, with the reason`, async () => {
      const before = await get(name);
      const result = await set(name, value);
      assert.equal(result.successful, false);
      assert.match(result.reason, reason);
      assert.deepEqual(await get(name), before);
    });
  }

  it('sets all or none at once', async () => {
    const type = 'rcl_interfaces/srv/SetParametersAtomically';
    const parameters = [
      { name: 'top_k', value: { type: 2, integer_value: 9 } },
      { name: 'expected_rate', value: { type: 3, double_value: -1 } },
    ];
    const { result } = await peer.call<{ result: { successful: boolean } }>(`${NODE}/set_parameters_atomically`, type, {
      parameters,
    });
    assert.equal(result.successful, false);
    assert.equal((await get('top_k')).integer_value, 4);
  });

  it('tells of a change on /parameter_events', async () => {
    await peer.subscribe('/parameter_events', 'rcl_interfaces/msg/ParameterEvent');
    await peer.matched('/parameter_events');
    await set('top_k', { type: 2, integer_value: 5 });
    const event = await peer.until('/parameter_events', ({ node: of }) => of === NODE);
    assert.equal((event.changed_parameters as { name: string }[])[0]!.name, 'top_k');
  });

  it('says of a structural parameter that it needs configure', async () => {
    assert.equal((await set('providers', { type: 9, string_array_value: ['cpu'] })).successful, true);
    await node.logged(/providers is set and takes effect at the next configure/);
  });

  it('describes every parameter of the table with its text and range', async () => {
    const names = Object.keys(PARAMETERS);
    const { descriptors } = await peer.call<{ descriptors: Message[] }>(
      `${NODE}/describe_parameters`,
      'rcl_interfaces/srv/DescribeParameters',
      { names },
    );
    assert.equal(descriptors.length, names.length);
    for (const descriptor of descriptors) assert.ok((descriptor.description as string).length > 20);
    const topK = descriptors.find(({ name }) => name === 'top_k')!;
    assert.deepEqual(topK.integer_range, [{ from_value: 1, to_value: 1000, step: 1 }]);
    const speed = descriptors.find(({ name }) => name === 'max_speed')!;
    assert.deepEqual(speed.floating_point_range, [{ from_value: 0.01, to_value: 200, step: 0 }]);
    assert.equal(descriptors.find(({ name }) => name === 'autostart')!.read_only, true);
  });

  it('lists them, under a prefix too', async () => {
    const list = async (request: Message): Promise<readonly string[]> =>
      (
        await peer.call<{ result: { names: string[] } }>(
          `${NODE}/list_parameters`,
          'rcl_interfaces/srv/ListParameters',
          request,
        )
      ).result.names;
    const all = await list({ prefixes: [], depth: 0 });
    for (const name of Object.keys(PARAMETERS)) assert.ok(all.includes(name), name);
    assert.ok(all.includes('qos_overrides./robot/front/image.subscription.reliability'));
    assert.deepEqual(await list({ prefixes: ['diagnostic_updater'], depth: 0 }), [
      'diagnostic_updater.period',
      'diagnostic_updater.use_fqn',
    ]);
  });
});
