/** @file How the process starts and ends: signals, exit codes, a map that stays as it was, no ROS. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { NodeProcess } from './support/NodeProcess.ts';
import { createPaintedTown, type PaintedTown } from './support/paintedTown.ts';
import { describeOnGraph } from './support/project.ts';

async function hashOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

describeOnGraph('the end of the node', () => {
  let town: PaintedTown;

  before(async () => {
    town = await createPaintedTown();
  });

  after(() => town.remove());

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`exits with 0 within 2 s on ${signal}, the map untouched`, async () => {
      const before = await hashOf(town.parameters.map);
      const node = await NodeProcess.active({ parameters: town.parameters });
      const { code, tookMs } = await node.end(signal);
      assert.equal(code, 0, node.log);
      assert.ok(tookMs < 2000, `took ${tookMs.toFixed(0)} ms`);
      assert.equal(await hashOf(town.parameters.map), before);
    });
  }

  it('exits with 0 when Ctrl-C reaches it twice, as under ros2 launch', async () => {
    const node = await NodeProcess.active({ parameters: { ...town.parameters, log_level: 'debug' } });
    const ended = node.end('SIGINT');
    await node.logged(/Ends on SIGINT/);
    process.kill(node.pid, 'SIGINT');
    assert.equal((await ended).code, 0, node.log);
  });

  it('exits with 0 within 2 s, and does not crash, when its worker does not answer any more', async () => {
    for (let round = 0; round < 3; round++) {
      const node = await NodeProcess.active({ parameters: town.parameters });
      const worker = await node.workerPid();
      process.kill(worker, 'SIGSTOP');
      const { code, signal, tookMs } = await node.end();
      process.kill(worker, 'SIGKILL');
      assert.deepEqual({ code, signal }, { code: 0, signal: null }, node.log);
      assert.ok(tookMs < 2000, `took ${tookMs.toFixed(0)} ms`);
    }
  });

  it('ends on a signal that comes while it is still starting', async () => {
    const node = NodeProcess.start({ parameters: town.parameters });
    await new Promise((resolve) => setTimeout(resolve, 700));
    const { code, signal } = await node.end('SIGINT');
    assert.ok(code === 0 || signal === 'SIGINT', `code ${code}, signal ${signal}: ${node.log}`);
  });

  it('says what to source when there is no ROS', async () => {
    const node = NodeProcess.start({ environment: { ROS_DISTRO: '', AMENT_PREFIX_PATH: '' } });
    assert.equal((await node.exit()).code, 1);
    assert.match(node.log, /No ROS 2 environment: ROS_DISTRO and AMENT_PREFIX_PATH not set/);
    assert.match(node.log, /scripts\/ros-env\.sh/);
  });

  it('explains itself, and ignores nothing without a word', async () => {
    const environment = { ROS_DISTRO: '', AMENT_PREFIX_PATH: '' };
    const help = NodeProcess.start({ programArguments: ['--help'], environment });
    await help.logged(/Usage: /);
    assert.equal((await help.exit()).code, 0, help.log);
    for (const name of ['map', 'image', 'autostart', 'mapping.enabled'])
      assert.ok(help.log.includes(`${name}:=`), name);
    const node = NodeProcess.start({ programArguments: ['-p', 'map:=city.vprmap'], parameters: { autostart: false } });
    await node.logged(/Ignored: -p map:=city\.vprmap\. Parameters and remaps go behind --ros-args/);
    assert.equal((await node.end()).code, 0);
  });

  it('names a parameter file that cannot be read', async () => {
    const node = NodeProcess.start({ rosArguments: ['--params-file', '/nowhere/localizer.yaml'] });
    assert.equal((await node.exit()).code, 1);
    assert.match(node.log, /Parameter file \/nowhere\/localizer\.yaml cannot be read/);
  });
});
