/** @file What `ros2 run` starts out of the overlay that `make setup` makes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { NODE_USAGE } from '../../src/ros/nodeUsage.ts';
import { TOOL_VERSION } from '../../src/version.ts';
import { describeOnGraph, PROJECT } from './support/project.ts';

const LAUNCHERS = path.join(PROJECT, '.ros', 'overlay', 'lib', 'netvlad_localizer');

function run(executable: string, argument: string): string {
  const { status, stdout, stderr } = spawnSync(path.join(LAUNCHERS, executable), [argument], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

describeOnGraph('launchers of the overlay', () => {
  before(function () {
    if (!existsSync(LAUNCHERS)) this.skip(); // the package was built by colcon: scripts/check-install.sh
  });

  it('start the node', () => {
    assert.equal(run('localizer_node', '--help').trim(), NODE_USAGE.trim());
  });

  it('start the command line', () => {
    assert.equal(run('netvlad', '--version').trim(), TOOL_VERSION);
  });
});
