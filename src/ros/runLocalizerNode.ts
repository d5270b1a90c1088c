/** @file The program that `ros2 run netvlad_localizer localizer_node` starts: joins the graph, listens to signals. */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../errors.ts';
import { TOOL_VERSION } from '../version.ts';
import { LocalizerNode } from './LocalizerNode.ts';
import { describeStrayArguments, NODE_USAGE } from './nodeUsage.ts';
import { readParameterOverrides } from './parameterOverrides.ts';
import { PARAMETERS } from './parameters.ts';
import { ParameterStore } from './ParameterStore.ts';
import { createRosNode } from './rclnodejs.ts';
import { parseRosArguments, type RosArguments } from './rosArguments.ts';
import type { RosNode } from './RosNode.ts';

/** A shutdown that takes longer than this is cut short: the process promises to be gone within two seconds. */
const SHUTDOWN_MS = 1500;
const SIGNAL_DELAY_MS = 100;

/** The handlers stay: Ctrl-C under `ros2 launch` reaches the node twice, from the terminal and from launch. */
function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve);
  });
}

function createStore(node: RosNode, overrides: ReadonlyMap<string, unknown>): ParameterStore {
  const store = new ParameterStore(overrides);
  for (const problem of [...store.declare(PARAMETERS), ...store.checkUnknown()]) node.logger.warn(problem);
  node.setLogLevel(store.get('log_level') as 'info');
  return store;
}

async function autostart(localizer: LocalizerNode): Promise<void> {
  if (await localizer.change({ label: 'configure' })) await localizer.change({ label: 'activate' });
}

async function start({
  forRcl,
  parameterRules,
  others,
}: RosArguments): Promise<{ readonly node: RosNode; readonly localizer: LocalizerNode }> {
  const node = await createRosNode('localizer', forRcl);
  process.on('unhandledRejection', (error) => {
    node.logger.error(`Unexpected: ${describeError(error)}`);
  });
  const stray = describeStrayArguments(others);
  if (stray !== null) node.logger.warn(stray);
  const store = createStore(node, await readParameterOverrides(parameterRules, node.fullyQualifiedName));
  const localizer = new LocalizerNode(node, store);
  if (store.get('autostart')) void autostart(localizer);
  return { node, localizer };
}

/** A signal during the start makes rcl close the graph under it; Node.js hears of the signal a moment later. */
async function endedBySignal(signal: Promise<unknown>): Promise<boolean> {
  return Promise.race([signal.then(() => true), delay(SIGNAL_DELAY_MS, false)]);
}

/** What is asked of the program rather than of a node; null = nothing. */
function answerWithoutNode(others: readonly string[]): string | null {
  if (others.includes('--help') || others.includes('-h')) return NODE_USAGE;
  return others.includes('--version') ? `${TOOL_VERSION}\n` : null;
}

/** Resolves with the exit code when a signal has come. `argv` without interpreter and script. */
export async function runLocalizerNode(argv: readonly string[]): Promise<number> {
  const given = parseRosArguments(argv);
  const answer = answerWithoutNode(given.others);
  if (answer !== null) {
    process.stdout.write(answer);
    return 0;
  }
  const signal = untilSignal();
  const started = await start(given).catch(async (error: unknown) => {
    if (await endedBySignal(signal)) return null;
    throw error;
  });
  if (started === null) return 0;
  started.node.logger.debug(`Ends on ${await signal}.`);
  const cutShort = setTimeout(() => {
    started.node.shutdown(); // an exit under a live graph may crash in its threads
    process.exit(0);
  }, SHUTDOWN_MS);
  await started.localizer.shutdown();
  clearTimeout(cutShort);
  return 0;
}
