/** @file The services of the localizer's own: what they ask of the node, and its failures as answers. */
import { describeError } from '../errors.ts';
import type { RosNode } from './RosNode.ts';

/** Each says what it has done; what it cannot do it throws. */
export interface LocalizerControls {
  reset(): string;
  setEnabled(on: boolean): string;
  setMapping(on: boolean): string;
  saveMap(): Promise<string>;
}

interface Answer {
  readonly success: boolean;
  readonly message: string;
}

async function answer(work: () => string | Promise<string>): Promise<Answer> {
  try {
    return { success: true, message: await work() };
  } catch (error) {
    return { success: false, message: describeError(error) };
  }
}

export function serveControls(node: RosNode, controls: LocalizerControls): void {
  node.serve('std_srvs/srv/Trigger', '~/reset', () => answer(() => controls.reset()));
  node.serve('std_srvs/srv/Trigger', '~/save_map', () => answer(() => controls.saveMap()));
  node.serve('std_srvs/srv/SetBool', '~/set_enabled', ({ data }) => answer(() => controls.setEnabled(data)));
  node.serve('std_srvs/srv/SetBool', '~/set_mapping', ({ data }) => answer(() => controls.setMapping(data)));
}
