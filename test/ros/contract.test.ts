/**
 * @file The whole contract of docs/ros.md by an independent client, in a namespace and without: every topic carries what it
 * should, every service answers, every parameter is described, read and set, every transition is gone through.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { TRANSITIONS } from '../../src/ros/Lifecycle.ts';
import type { ParameterDefinition } from '../../src/ros/ParameterDefinition.ts';
import { PARAMETERS } from '../../src/ros/parameters.ts';
import { untilStatus } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, TOWN_SIZE, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer, type Message, type PeerQos } from './support/RosPeer.ts';
import { reliable } from './support/whilePublishing.ts';

/** Relative to the namespace; the type, and the publisher's QoS where it is not the default. */
const INPUTS: Readonly<Record<string, readonly [string, PeerQos?]>> = {
  'image/compressed': ['sensor_msgs/msg/CompressedImage'],
  camera_info: ['sensor_msgs/msg/CameraInfo'],
  odom: ['nav_msgs/msg/Odometry'],
  fix: ['sensor_msgs/msg/NavSatFix'],
  mapping_pose: ['geometry_msgs/msg/PoseStamped'],
  ground_truth: ['geometry_msgs/msg/PoseStamped'],
  '/tf': ['tf2_msgs/msg/TFMessage'],
  '/tf_static': ['tf2_msgs/msg/TFMessage', { durability: 'transient_local' }],
};

/** Absolute, or relative to the node. */
const OUTPUTS: Readonly<Record<string, readonly [string, PeerQos?]>> = {
  pose: ['geometry_msgs/msg/PoseWithCovarianceStamped'],
  fix: ['sensor_msgs/msg/NavSatFix'],
  hypotheses: ['netvlad_localizer/msg/PlaceHypotheses'],
  'hypotheses/poses': ['geometry_msgs/msg/PoseArray'],
  'hypotheses/markers': ['visualization_msgs/msg/MarkerArray'],
  'debug_image/compressed': ['sensor_msgs/msg/CompressedImage', { reliability: 'best_effort' }],
  trajectory: ['nav_msgs/msg/Path'],
  loop_closures: ['netvlad_localizer/msg/LoopClosure'],
  recall: ['netvlad_localizer/msg/RecallDiagnostics'],
  transition_event: ['lifecycle_msgs/msg/TransitionEvent'],
  '/diagnostics': ['diagnostic_msgs/msg/DiagnosticArray'],
  '/parameter_events': ['rcl_interfaces/msg/ParameterEvent'],
};

const SERVICES: Readonly<Record<string, string>> = {
  reset: 'std_srvs/srv/Trigger',
  save_map: 'std_srvs/srv/Trigger',
  set_enabled: 'std_srvs/srv/SetBool',
  set_mapping: 'std_srvs/srv/SetBool',
  change_state: 'lifecycle_msgs/srv/ChangeState',
  get_state: 'lifecycle_msgs/srv/GetState',
  get_available_states: 'lifecycle_msgs/srv/GetAvailableStates',
  get_available_transitions: 'lifecycle_msgs/srv/GetAvailableTransitions',
  get_transition_graph: 'lifecycle_msgs/srv/GetAvailableTransitions',
  list_parameters: 'rcl_interfaces/srv/ListParameters',
  describe_parameters: 'rcl_interfaces/srv/DescribeParameters',
  get_parameters: 'rcl_interfaces/srv/GetParameters',
  get_parameter_types: 'rcl_interfaces/srv/GetParameterTypes',
  set_parameters: 'rcl_interfaces/srv/SetParameters',
  set_parameters_atomically: 'rcl_interfaces/srv/SetParametersAtomically',
};

/** rcl_interfaces/msg/ParameterType and the field that holds the value. */
const VALUE_FIELDS: Readonly<Record<ParameterDefinition['type'], readonly [number, string]>> = {
  bool: [1, 'bool_value'],
  integer: [2, 'integer_value'],
  double: [3, 'double_value'],
  string: [4, 'string_value'],
  string_array: [9, 'string_array_value'],
};

/** A value that the parameter may have and, where there is one, is not its default. */
function otherValueOf(definition: ParameterDefinition): unknown {
  switch (definition.type) {
    case 'bool':
      return !definition.default;
    case 'integer':
    case 'double':
      return definition.default === definition.range[0] ? definition.range[1] : definition.range[0];
    case 'string':
      return definition.choices?.find((choice) => choice !== definition.default) ?? 'other';
    case 'string_array':
      return definition.choices?.slice(0, 1) ?? ['other'];
  }
}

for (const namespace of ['', '/robot/front']) {
  describeOnGraph(`the contract ${namespace === '' ? 'without a namespace' : `in ${namespace}`}`, () => {
    const node = `${namespace}/localizer`;
    const ofNode = (name: string): string => (name.startsWith('/') ? name : `${node}/${name}`);
    const ofSpace = (name: string): string => (name.startsWith('/') ? name : `${namespace}/${name}`);
    let town: PaintedTown;
    let peer: RosPeer;
    let process: NodeProcess;
    let second = 1000;

    before(async () => {
      [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
      for (const [name, [type, qos]] of Object.entries(OUTPUTS)) await peer.subscribe(ofNode(name), type, qos);
      await peer.subscribe('/tf', 'tf2_msgs/msg/TFMessage');
      for (const [name, [type, qos]] of Object.entries(INPUTS)) await peer.advertise(ofSpace(name), type, qos);
      process = NodeProcess.start({
        parameters: {
          ...{ ...town.parameters, autostart: false, image_transport: 'compressed', stamp_tolerance: 3600.0 },
          ...{ base_frame: 'base_link', publish_tf: true, accept_probability: 0.5, keep_probability: 0.4 },
          ...{ ground_truth_type: 'pose', ground_truth_radius: 3.0, 'diagnostic_updater.period': 0.25 },
          ...{ 'mapping.geotag': 'pose', 'mapping.novelty': -1.0 },
          ...{ 'mapping.loop_min_time': 1.0, 'mapping.loop_min_travel': 6.0, 'mapping.loop_min_keyframes': 3 },
          ...Object.fromEntries(Object.keys(INPUTS).flatMap((name) => Object.entries(reliable(ofSpace(name))))),
        },
        rosArguments: ['-r', `__ns:=${namespace || '/'}`],
      });
    });

    after(async () => {
      assert.ok(process.isAlive, process.log);
      assert.equal((await process.end()).code, 0);
      await peer.stop();
      await town.remove();
    });

    const call = <T = Message>(service: string, request: Message = {}): Promise<T> =>
      peer.call<T>(ofNode(service), SERVICES[service]!, request);

    async function change(label: string): Promise<boolean> {
      return (await call<{ success: boolean }>('change_state', { transition: { label } })).success;
    }

    /** The robot, at (x, 0) of the town, sees a place; every input says where it is. */
    async function see(place: number, x = 10 * place): Promise<Message> {
      second += 1;
      const sec = second;
      const stamp = { sec, nanosec: 0 };
      const orientation = { x: 0, y: 0, z: 0, w: 1 };
      const pose = { position: { x, y: 0, z: 0 }, orientation };
      const inMap = { header: { stamp, frame_id: 'map' }, pose };
      const transform = { translation: { x, y: 0, z: 0 }, rotation: orientation };
      const link = { header: { stamp, frame_id: 'odom' }, child_frame_id: 'base_link', transform };
      const odometry = { header: { stamp, frame_id: 'odom' }, child_frame_id: 'base_link', pose: { pose } };
      const geo = { status: { status: 0 }, latitude: 48, longitude: 11 + x / 74_632, altitude: 500 }; // metres a degree at 48 N
      await peer.publish('/tf', { transforms: [link] });
      await peer.publish(ofSpace('odom'), odometry);
      await peer.publish(ofSpace('fix'), { header: { stamp, frame_id: 'gnss' }, ...geo });
      for (const topic of ['mapping_pose', 'ground_truth']) await peer.publish(ofSpace(topic), inMap);
      const header = { stamp, frame_id: 'camera' };
      await peer.publish(ofSpace('camera_info'), { header });
      await peer.publish(ofSpace('image/compressed'), { header, format: 'jpeg' }, town.files[place]);
      return peer.until(ofNode('hypotheses'), (m) => (m.header as { stamp: { sec: number } }).stamp.sec === sec);
    }

    async function untilSeen(work: () => Promise<unknown>, seen: () => boolean): Promise<void> {
      for (let tries = 0; tries < 40 && !seen(); tries++) await work();
      assert.ok(seen());
    }

    const came = (topic: string): boolean => peer.messages(ofNode(topic)).length > 0;

    it('every service has its type', async () => {
      await call('get_state'); // discovery is through
      const types = await peer.types(node);
      for (const [name, type] of Object.entries(SERVICES)) assert.deepEqual(types[ofNode(name)], [type], name);
    });

    it('every parameter is listed, described, read, set, and refused where it should be', async () => {
      const { result } = await call<{ result: { names: string[] } }>('list_parameters', { prefixes: [], depth: 0 });
      const names = Object.keys(PARAMETERS);
      assert.deepEqual(
        names.filter((name) => !result.names.includes(name)),
        [],
      );
      const { types: bytes } = await call<{ types: string }>('get_parameter_types', { names });
      const types = Buffer.from(bytes, 'base64');
      const { descriptors } = await call<{ descriptors: Message[] }>('describe_parameters', { names });
      const { values: before } = await call<{ values: Message[] }>('get_parameters', { names });
      for (const [i, [name, definition]] of Object.entries<ParameterDefinition>(PARAMETERS).entries()) {
        const [type, field] = VALUE_FIELDS[definition.type];
        assert.deepEqual([types[i], descriptors[i]!.type, before[i]!.type], [type, type, type], name);
        const other = { type, [field]: otherValueOf(definition) };
        const set = async (value: Message): Promise<boolean> =>
          (await call<{ results: { successful: boolean }[] }>('set_parameters', { parameters: [{ name, value }] }))
            .results[0]!.successful;
        const isOpen = definition.change !== 'startup';
        assert.equal(await set(other), isOpen, name);
        const { values } = await call<{ values: Message[] }>('get_parameters', { names: [name] });
        if (isOpen) assert.deepEqual(values[0]![field], other[field], name);
        assert.equal(await set({ type: 7, integer_array_value: [1] }), false, `${name} takes no array of integers`);
        if (isOpen) assert.equal(await set({ type, [field]: before[i]![field] }), true, name);
      }
      const all = names.map((name, i) => ({ name, value: before[i]! }));
      const open = all.filter(({ name }) => PARAMETERS[name as keyof typeof PARAMETERS].change !== 'startup');
      const atOnce = await call<{ result: { successful: boolean } }>('set_parameters_atomically', { parameters: open });
      assert.equal(atOnce.result.successful, true);
      assert.ok(came('/parameter_events'));
    });

    it('configure and activate: every topic is there with its type', async () => {
      assert.equal(await change('configure'), true);
      assert.equal(await change('activate'), true);
      for (const name of Object.keys(INPUTS)) if (name !== '/tf') await peer.matched(ofSpace(name));
      await peer.matched('/tf', 2); // the node beside the peer itself
      const types = await peer.types('/');
      for (const [name, [type]] of Object.entries(OUTPUTS)) assert.deepEqual(types[ofNode(name)], [type], name);
      for (const [name, [type]] of Object.entries(INPUTS)) assert.deepEqual(types[ofSpace(name)], [type], name);
    });

    it('every output comes: pose, fix, hypotheses, pictures, transform, recall, diagnostics', async () => {
      const mount = {
        header: { frame_id: 'base_link' },
        child_frame_id: 'camera',
        transform: { translation: { x: 1, y: 0, z: 0 }, rotation: { x: 0, y: 0, z: 0, w: 1 } },
      };
      await peer.publish('/tf_static', { transforms: [mount] });
      const topics = ['pose', 'fix', 'hypotheses/poses', 'hypotheses/markers', 'debug_image/compressed', 'recall'];
      const isMap = (message: Message): boolean =>
        (message.transforms as { header: { frame_id: string } }[])[0]?.header.frame_id === 'map';
      await untilSeen(
        () => see(3),
        () => topics.every(came) && peer.messages('/tf').some(isMap),
      );
      const pose = peer.messages(ofNode('pose')).at(-1) as unknown as { pose: { pose: { position: { x: number } } } };
      assert.ok(Math.abs(pose.pose.pose.position.x - 29) < 1, 'place 3 lies at 30 m, the camera 1 m before the base');
      const fix = peer.messages(ofNode('fix')).at(-1) as { latitude: number };
      assert.ok(Math.abs(fix.latitude - 48) < 1e-5);
      await peer.until(ofNode('recall'), ({ recall }) => (recall as number[])[0] === 1);
      const names = (message: Message): string[] => (message.status as { name: string }[]).map(({ name }) => name);
      const diagnostics = await peer.until('/diagnostics', () => true);
      assert.deepEqual(
        names(diagnostics),
        ['input', 'model', 'map', 'localization'].map((task) => `localizer: ${task}`),
      );
    });

    it('a dynamic parameter takes effect with the next frame', async () => {
      const set = async (value: number): Promise<void> => {
        const parameters = [{ name: 'top_k', value: { type: 2, integer_value: value } }];
        await call('set_parameters', { parameters });
      };
      await call('reset');
      await set(1);
      assert.equal(((await see(5)).hypotheses as Message[]).length, 1);
      await set(20);
      assert.ok(((await see(5)).hypotheses as Message[]).length > 1);
    });

    it('reset, set_enabled', async () => {
      assert.equal((await call('reset')).success, true);
      assert.equal((await call('set_enabled', { data: false })).success, true);
      const answered = peer.messages(ofNode('hypotheses')).length;
      await peer.publish(
        ofSpace('image/compressed'),
        { header: { stamp: { sec: second, nanosec: 5 }, frame_id: 'camera' }, format: 'jpeg' },
        town.files[0],
      );
      assert.equal((await call('set_enabled', { data: true })).success, true);
      await see(4);
      assert.equal(peer.messages(ofNode('hypotheses')).length, answered + 1, 'only the frame after that is answered');
    });

    it('set_mapping, loop closures, save_map', async () => {
      assert.equal((await call('set_mapping', { data: true })).success, true);
      const lap = Array.from({ length: TOWN_SIZE }, (_, i) => i);
      for (const [i, place] of [...lap, ...lap].entries()) await see(place, 500 + 4 * i);
      const closure = (await peer.until(ofNode('loop_closures'), () => true)) as {
        from_place_id: number;
        to_place_id: number;
      };
      assert.ok(closure.from_place_id > TOWN_SIZE && closure.to_place_id > closure.from_place_id);
      await untilStatus(peer, 'map', ({ values }) => values.places === String(3 * TOWN_SIZE)); // the last one is told of
      const saved = await call<{ success: boolean; message: string }>('save_map');
      assert.equal(saved.success, true, saved.message);
      assert.match(saved.message, new RegExp(`${path.basename(town.parameters.map)} holds ${3 * TOWN_SIZE} places`));
      assert.equal((await call('set_mapping', { data: false })).success, true);
    });

    it('every transition, each of them told of', async () => {
      for (const label of ['deactivate', 'cleanup', 'configure', 'activate', 'deactivate', 'cleanup', 'shutdown']) {
        assert.equal(await change(label), true, label);
      }
      const state = await call<{ current_state: { label: string } }>('get_state');
      assert.equal(state.current_state.label, 'finalized');
      await peer.until(
        ofNode('transition_event'),
        ({ goal_state: goal }) => (goal as { label: string }).label === 'finalized',
      );
      const told = peer.messages(ofNode('transition_event')).map((event) => (event.transition as { id: number }).id);
      for (const { id, label } of TRANSITIONS.filter(({ label: of }) => of !== 'shutdown')) {
        assert.ok(told.includes(id), label);
      }
      const graph = await call<{ available_transitions: unknown[] }>('get_transition_graph');
      assert.equal(graph.available_transitions.length, TRANSITIONS.length);
      const states = await call<{ available_states: unknown[] }>('get_available_states');
      assert.ok(states.available_states.length >= 10);
      const now = await call<{ available_transitions: unknown[] }>('get_available_transitions');
      assert.deepEqual(now.available_transitions, []);
      assert.equal((await call('set_mapping', { data: true })).success, false, 'a node that has ended does not map');
    });
  });
}
