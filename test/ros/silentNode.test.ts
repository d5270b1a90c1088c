/** @file Silent failures of the node's own parts, each provoked on a real graph: worker, model, map, provider, middleware. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { LEVEL, listenToDiagnostics, untilSaid, untilStatus } from './support/diagnostics.ts';
import { NodeProcess, type NodeOptions } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { isRunning, until } from './support/processFacts.ts';
import { describeOnGraph, PROJECT } from './support/project.ts';
import { RosPeer } from './support/RosPeer.ts';
import { reliable, warmUp } from './support/whilePublishing.ts';

type Parameters = NonNullable<NodeOptions['parameters']>;

const TOPIC = '/image/compressed';

describeOnGraph('silence explained: the node itself', () => {
  let town: PaintedTown;
  let peer: RosPeer;

  before(async () => {
    [town, peer] = await Promise.all([createPaintedTown(), RosPeer.start()]);
    await listenToDiagnostics(peer);
    await peer.subscribe('/localizer/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses');
    await peer.advertise(TOPIC, 'sensor_msgs/msg/CompressedImage');
  });

  after(async () => {
    await peer.stop();
    await town.remove();
  });

  function parametersOf(changes: Parameters = {}): Parameters {
    return {
      ...town.parameters,
      ...reliable(TOPIC),
      image_transport: 'compressed',
      'diagnostic_updater.period': 0.25,
      ...changes,
    };
  }

  /** Runs the work with a node; the node must live through it and end well. */
  async function withNode(options: NodeOptions, work: (node: NodeProcess) => Promise<void>): Promise<void> {
    const node = NodeProcess.start(options);
    try {
      await work(node);
      assert.ok(node.isAlive, node.log);
    } finally {
      assert.equal((await node.end()).code, 0, node.log);
    }
  }

  async function answerAFrame(): Promise<void> {
    await warmUp(peer, { topic: TOPIC, message: { format: 'jpeg' }, file: town.files[0]! });
  }

  function countLines(node: NodeProcess, level: 'WARN' | 'ERROR', text: string): number {
    return node.log.split('\n').filter((line) => line.includes(text) && line.includes(`[${level}]`)).length;
  }

  for (const [what, signal, reason] of [
    ['killed, as for memory', 'SIGKILL', /killed \(SIGKILL\), as the kernel does when memory runs short/],
    ['crashed', 'SIGSEGV', /ended by SIGSEGV/],
  ] as const) {
    it(`a worker that was ${what}: said, restarted, and frames are answered again`, async () => {
      await withNode({ parameters: parametersOf() }, async (node) => {
        await node.logged(/Listening to/);
        await answerAFrame();
        process.kill(await node.workerPid(), signal);
        const status = await untilSaid(peer, 'model', /The recognition worker died/);
        assert.equal(status.level, LEVEL.error);
        assert.match(status.message, reason);
        await untilStatus(peer, 'model', ({ values }) => values['worker restarts'] === '1');
        await answerAFrame();
        assert.equal(countLines(node, 'ERROR', 'The recognition worker died'), 2, 'the event, and the finding once');
      });
    });
  }

  it('a frame that is with the worker when it dies is counted as lost', async () => {
    await withNode({ parameters: parametersOf() }, async (node) => {
      await node.logged(/Listening to/);
      await answerAFrame();
      const worker = await node.workerPid();
      process.kill(worker, 'SIGSTOP');
      const header = { stamp: { sec: 2, nanosec: 0 }, frame_id: 'camera' };
      await peer.publish(TOPIC, { header, format: 'jpeg' }, town.files[0]);
      const status = await untilSaid(peer, 'model', /has had one frame for \d+ s/);
      assert.equal(status.level, LEVEL.error);
      process.kill(worker, 'SIGKILL');
      await untilStatus(peer, 'input', ({ values }) => Number(values['frames failed']) >= 1);
      await answerAFrame();
    });
  });

  it('loading that takes long: transitions are answered, the state is shown, the node listens when it can', async () => {
    await withNode({ parameters: parametersOf({ autostart: false }) }, async (node) => {
      const change = async (label: string): Promise<boolean> => {
        const request = { transition: { label } };
        const service = 'lifecycle_msgs/srv/ChangeState';
        return (await peer.call<{ success: boolean }>('/localizer/change_state', service, request)).success;
      };
      const configured = change('configure');
      process.kill(await node.workerPid(), 'SIGSTOP'); // as slow as can be
      assert.equal(await configured, true);
      assert.equal(await change('activate'), true);
      await untilSaid(peer, 'model', /Loading model and map for \d+ s/);
      await node.logged(/Active, and listening as soon as model and map are loaded/);
      assert.doesNotMatch(node.log, /Listening to/);
      process.kill(await node.workerPid(), 'SIGCONT');
      await node.logged(/Listening to/);
      await answerAFrame();
      for (const label of ['deactivate', 'cleanup']) assert.equal(await change(label), true);
      const again = change('configure');
      const worker = await node.workerPid();
      process.kill(worker, 'SIGSTOP');
      assert.equal(await again, true);
      assert.equal(await change('cleanup'), true, 'gives up what is still loading');
      await until('the end of the worker', () => (isRunning(worker) ? undefined : true));
      await untilSaid(peer, 'model', /Not configured/);
    });
  });

  it('loading that fails behind the answer: unconfigured, with the reason', async () => {
    await withNode({ parameters: parametersOf({ autostart: false, map: '/nowhere/a.vprmap' }) }, async (node) => {
      const request = { transition: { label: 'configure' } };
      const answer = peer.call<{ success: boolean }>(
        '/localizer/change_state',
        'lifecycle_msgs/srv/ChangeState',
        request,
      );
      const worker = await node.workerPid();
      process.kill(worker, 'SIGSTOP');
      assert.equal((await answer).success, true);
      await node.logged(/still loading/);
      process.kill(worker, 'SIGCONT');
      const status = await untilSaid(peer, 'model', /\/nowhere\/a\.vprmap/);
      assert.equal(status.level, LEVEL.error);
      const { current_state: state } = await peer.call<{ current_state: { label: string } }>(
        '/localizer/get_state',
        'lifecycle_msgs/srv/GetState',
      );
      assert.equal(state.label, 'unconfigured');
    });
  });

  it('a map of another model: both are named, and what to do', async () => {
    const stranger = await createPaintedTown({ seed: 2 });
    await withNode({ parameters: parametersOf({ model: stranger.parameters.model }) }, async (node) => {
      const status = await untilSaid(peer, 'model', /was made by the model/);
      assert.equal(status.level, LEVEL.error);
      assert.match(status.message, /pass the model that made the map, or build the map again/);
      assert.ok(countLines(node, 'ERROR', 'was made by the model') >= 1);
    });
    await stranger.remove();
  });

  it('a provider that fell back to the CPU: what is missing', async function () {
    await withNode({ parameters: parametersOf({ providers: ['cuda', 'cpu'] }) }, async (node) => {
      await node.logged(/Listening to/);
      const status = await untilStatus(peer, 'model', ({ values }) => values.provider !== undefined);
      if (status.values.provider === 'cuda') this.skip(); // a machine with a GPU
      assert.equal(status.level, LEVEL.warn);
      assert.match(status.message, /Inference runs on cpu\./);
      assert.equal(status.values.provider, 'cpu');
      assert.equal(countLines(node, 'WARN', 'Inference runs on cpu.'), 1);
    });
  });

  it('a provider that is missing and may not be replaced: refuses to configure', async function () {
    await withNode({ parameters: parametersOf({ providers: ['cuda'] }) }, async () => {
      const status = await untilStatus(
        peer,
        'model',
        ({ level, values }) => level === LEVEL.error || values.provider === 'cuda',
      );
      if (status.values.provider === 'cuda') this.skip();
      assert.match(status.message, /cuda/i);
    });
  });

  it("images above Fast-DDS's default segment: lost in the middleware, and how to cure it", async function () {
    if (process.env.RMW_IMPLEMENTATION !== 'rmw_fastrtps_cpp') this.skip();
    const defaults = { FASTRTPS_DEFAULT_PROFILES_FILE: undefined };
    const parameters = { ...town.parameters, 'diagnostic_updater.period': 0.25 };
    await withNode({ parameters, environment: defaults }, async (node) => {
      await node.logged(/Listening to/);
      const script = path.join(PROJECT, 'test', 'ros', 'peers', 'publish_images.py');
      const camera = spawn('python3', [script, '/image', '15', '30', '--size', '1920x1080', '--camera-info'], {
        env: { ...process.env, ...defaults },
        stdio: 'ignore',
      });
      try {
        const status = await untilSaid(peer, 'input', /camera_info.*frames are lost in the middleware/);
        assert.match(status.message, /FASTRTPS_DEFAULT_PROFILES_FILE=.*fastdds\.xml, or set image_transport/);
        assert.ok(status.level >= LEVEL.warn);
      } finally {
        camera.kill('SIGTERM');
      }
    });
  });

  it('only the raw twin is published', async () => {
    await peer.unadvertise(TOPIC);
    await withNode({ parameters: parametersOf() }, async (node) => {
      await node.logged(/Listening to/);
      await peer.advertise('/image', 'sensor_msgs/msg/Image');
      const status = await untilSaid(peer, 'input', /\/peer publishes \/image\. Set image_transport to raw/);
      assert.equal(status.level, LEVEL.error);
      await peer.unadvertise('/image');
    });
  });

  it('durability that does not match: the policy and the peer', async () => {
    const override = { 'qos_overrides./image.subscription.durability': 'transient_local' };
    await withNode({ parameters: { ...parametersOf(override), image_transport: 'raw' } }, async (node) => {
      await node.logged(/Listening to/);
      await peer.advertise('/image', 'sensor_msgs/msg/Image');
      // With the peer's name: the endpoint is on the graph a moment before it.
      const message = /^\/peer publishes \/image with incompatible QoS \(durability: it offers volatile/;
      const status = await untilSaid(peer, 'input', message);
      assert.equal(status.level, LEVEL.error);
      await peer.unadvertise('/image');
    });
  });

  it('an empty map', async () => {
    const map = path.join(town.folder, 'empty.vprmap');
    const mapping = parametersOf({ map, 'mapping.enabled': true });
    await withNode({ parameters: mapping }, async (node) => {
      await node.logged(/Listening to/);
      await peer.call('/localizer/set_mapping', 'std_srvs/srv/SetBool', { data: false });
      const status = await untilSaid(peer, 'map', /has no places\. Call ~\/set_mapping and drive/);
      assert.equal(status.level, LEVEL.warn);
    });
  });

  // Last: for a while the graph still takes a killed node for alive, and calls to it would be lost.
  it('a worker whose node was killed ends by itself', async () => {
    const node = await NodeProcess.active({ parameters: parametersOf() });
    const worker = await node.workerPid();
    assert.ok(isRunning(worker));
    await node.end('SIGKILL');
    await until('the end of the worker', () => (isRunning(worker) ? undefined : true));
  });
});
