/** @file The lifecycle over its services: the good way round, every invalid transition in every state, failures with their reason. */
import assert from 'node:assert/strict';
import { STATES, TRANSITIONS } from '../../src/ros/Lifecycle.ts';
import { LEVEL, listenToDiagnostics, untilStatus } from './support/diagnostics.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer } from './support/RosPeer.ts';

const NODE = '/robot/localizer';

describeOnGraph('lifecycle on a graph', () => {
  let town: PaintedTown;
  let peer: RosPeer;
  let node: NodeProcess;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    await listenToDiagnostics(peer);
    await peer.subscribe(`${NODE}/transition_event`, 'lifecycle_msgs/msg/TransitionEvent');
    node = NodeProcess.start({
      parameters: { ...town.parameters, autostart: false, 'diagnostic_updater.period': 0.25 },
      rosArguments: ['-r', '__ns:=/robot'],
    });
  });

  after(async () => {
    assert.ok(node.isAlive, node.log);
    assert.equal((await node.end()).code, 0);
    await peer.stop();
    await town.remove();
  });

  async function change(transition: { readonly id?: number; readonly label?: string }): Promise<boolean> {
    const type = 'lifecycle_msgs/srv/ChangeState';
    return (await peer.call<{ success: boolean }>(`${NODE}/change_state`, type, { transition })).success;
  }

  async function stateOf(): Promise<string> {
    const answer = await peer.call<{ current_state: { id: number; label: string } }>(
      `${NODE}/get_state`,
      'lifecycle_msgs/srv/GetState',
    );
    assert.equal(answer.current_state.id, STATES[answer.current_state.label as keyof typeof STATES]);
    return answer.current_state.label;
  }

  async function tryInvalidTransitions(): Promise<void> {
    const state = await stateOf();
    for (const { id } of TRANSITIONS.filter(({ start }) => start !== state)) {
      assert.equal(await change({ id }), false, `transition ${id} in ${state}`);
    }
    for (const wanted of [{ id: 0 }, { id: 99 }, { label: 'nonsense' }, { label: 'destroy' }]) {
      assert.equal(await change(wanted), false);
    }
    assert.equal(await stateOf(), state, 'refused transitions change nothing');
  }

  it('goes the whole way round, and refuses every wrong transition in every state', async () => {
    assert.equal(await stateOf(), 'unconfigured');
    await tryInvalidTransitions();
    assert.equal(await change({ id: 1 }), true);
    assert.equal(await stateOf(), 'inactive');
    await tryInvalidTransitions();
    assert.equal(await change({ label: 'activate' }), true);
    assert.equal(await stateOf(), 'active');
    await tryInvalidTransitions();
    assert.equal(await change({ label: 'deactivate' }), true);
    assert.equal(await change({ label: 'cleanup' }), true);
    assert.equal(await stateOf(), 'unconfigured');
    const events = peer
      .messages(`${NODE}/transition_event`)
      .map(({ goal_state: goal }) => (goal as { label: string }).label);
    assert.deepEqual(events, [
      ...['configuring', 'inactive', 'activating', 'active'],
      ...['deactivating', 'inactive', 'cleaningup', 'unconfigured'],
    ]);
  });

  it('tells its states, the transitions of the moment and the whole graph', async () => {
    const states = await peer.call<{ available_states: { id: number }[] }>(
      `${NODE}/get_available_states`,
      'lifecycle_msgs/srv/GetAvailableStates',
    );
    assert.deepEqual(
      states.available_states.map(({ id }) => id),
      Object.values(STATES),
    );
    const type = 'lifecycle_msgs/srv/GetAvailableTransitions';
    const labels = async (service: string): Promise<readonly string[]> =>
      (
        await peer.call<{ available_transitions: { transition: { label: string } }[] }>(`${NODE}/${service}`, type)
      ).available_transitions.map(({ transition }) => transition.label);
    assert.deepEqual(await labels('get_available_transitions'), ['configure', 'shutdown']);
    assert.equal((await labels('get_transition_graph')).length, TRANSITIONS.length);
  });

  it('stays unconfigured without its map, says why, and configures when the map is named', async () => {
    const set = async (name: string, value: string): Promise<void> => {
      const type = 'rcl_interfaces/srv/SetParameters';
      const parameters = [{ name, value: { type: 4, string_value: value } }];
      const { results } = await peer.call<{ results: { successful: boolean }[] }>(`${NODE}/set_parameters`, type, {
        parameters,
      });
      assert.equal(results[0]!.successful, true);
    };
    await set('map', '/nowhere/city.vprmap');
    await change({ label: 'configure' }); // refused, or on a slow machine failing behind the answer
    const status = await untilStatus(peer, 'model', ({ level }) => level === LEVEL.error);
    assert.match(status.message, /\/nowhere\/city\.vprmap/);
    while ((await stateOf()) === 'errorprocessing') await untilStatus(peer, 'model', () => true);
    assert.equal(await stateOf(), 'unconfigured');
    assert.match(node.log, /\/nowhere\/city\.vprmap/);
    await set('map', town.parameters.map);
    assert.equal(await change({ label: 'configure' }), true);
    await untilStatus(peer, 'model', ({ level }) => level === LEVEL.ok);
    assert.equal(await change({ label: 'cleanup' }), true);
  });

  it('takes its topics and services under its name, and the inputs under its namespace', async () => {
    assert.equal(await change({ label: 'configure' }), true);
    assert.equal(await change({ label: 'activate' }), true);
    await untilStatus(peer, 'input', ({ message }) => !message.includes('Not listening'));
    await peer.matched(`${NODE}/hypotheses`);
    const topics = await peer.topics('/robot/');
    for (const topic of ['hypotheses', 'pose', 'fix', 'hypotheses/poses', 'hypotheses/markers', 'recall']) {
      assert.ok(topics.includes(`${NODE}/${topic}`), topic);
    }
    for (const input of ['image', 'odom', 'fix']) assert.ok(topics.includes(`/robot/${input}`), input);
    const services = await peer.services(NODE);
    for (const service of ['reset', 'save_map', 'set_enabled', 'set_mapping', 'change_state', 'list_parameters']) {
      assert.ok(services.includes(`${NODE}/${service}`), service);
    }
    assert.equal(await change({ label: 'deactivate' }), true);
    assert.equal(await change({ label: 'cleanup' }), true);
  });

  it('survives five rounds', async () => {
    for (let round = 0; round < 5; round++) {
      for (const label of ['configure', 'activate', 'deactivate', 'cleanup']) {
        assert.equal(await change({ label }), true, `${label} of round ${round}`);
      }
    }
  });

  it('ends finalized', async () => {
    assert.equal(await change({ label: 'shutdown' }), true);
    assert.equal(await stateOf(), 'finalized');
    await tryInvalidTransitions();
  });
});
