/** @file Where the project lies, and whether there is ROS in this environment. */
import { existsSync } from 'node:fs';
import path from 'node:path';

function findProject(): string {
  let folder = import.meta.dirname;
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
}

export const PROJECT = findProject();

/** `describe`, or `describe.skip` with a word why when no ROS is sourced. */
export function describeOnGraph(title: string, body: (this: Mocha.Suite) => void): void {
  if (process.env.ROS_DISTRO) describe(title, body);
  else describe.skip(`${title} (no ROS environment: . scripts/ros-env.sh)`, body);
}
