/** @file The services and the event topic of a managed node, over the Lifecycle. */
import {
  STATES,
  TRANSITIONS,
  type Lifecycle,
  type StateLabel,
  type StateListener,
  type Transition,
} from './Lifecycle.ts';
import type { LifecycleState, TransitionDescription } from './messages.ts';
import { readSystemTimeNs } from './NodeTime.ts';
import { DEFAULT_QOS, type Destroyable, type RosNode } from './RosNode.ts';

function toState(label: StateLabel): LifecycleState {
  return { id: STATES[label], label };
}

function toDescription({ id, label, start, goal }: Transition): TransitionDescription {
  return { transition: { id, label }, start_state: toState(start), goal_state: toState(goal) };
}

/** Publishes `~/transition_event`; the listener is for the Lifecycle. */
export function createTransitionEvents(node: RosNode): StateListener {
  const events = node.createPublisher('lifecycle_msgs/msg/TransitionEvent', '~/transition_event', DEFAULT_QOS);
  return ({ id, label }, from, to) => {
    events.publish({
      timestamp: readSystemTimeNs(),
      transition: { id, label },
      start_state: toState(from),
      goal_state: toState(to),
    });
  };
}

/** `change` runs a transition and logs why it failed. */
export function serveLifecycle(
  node: RosNode,
  lifecycle: Lifecycle,
  change: (wanted: { readonly id: number; readonly label: string }) => Promise<boolean>,
): readonly Destroyable[] {
  return [
    node.serve('lifecycle_msgs/srv/ChangeState', '~/change_state', async ({ transition }) => ({
      success: await change(transition),
    })),
    node.serve('lifecycle_msgs/srv/GetState', '~/get_state', () => ({ current_state: toState(lifecycle.state) })),
    node.serve('lifecycle_msgs/srv/GetAvailableStates', '~/get_available_states', () => ({
      available_states: (Object.keys(STATES) as StateLabel[]).map(toState),
    })),
    node.serve('lifecycle_msgs/srv/GetAvailableTransitions', '~/get_available_transitions', () => ({
      available_transitions: lifecycle.available.map(toDescription),
    })),
    node.serve('lifecycle_msgs/srv/GetAvailableTransitions', '~/get_transition_graph', () => ({
      available_transitions: TRANSITIONS.map(toDescription),
    })),
  ];
}
