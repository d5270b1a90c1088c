#!/usr/bin/env -S node --expose-gc
import { runLocalizerNode } from '../dist/src/ros/runLocalizerNode.js';
import { describeError } from '../dist/src/errors.js';

try {
  process.exit(await runLocalizerNode(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`localizer_node: ${describeError(error)}\n`);
  process.exit(1);
}
