/**
 * @file The state machine of a managed node (design.ros2.org/articles/node_lifecycle.html) with asynchronous transitions.
 * A wrong transition is an answer, never an exception. Knows nothing of ROS; lifecycleServices.ts puts it on the graph.
 */
import { describeError } from '../errors.ts';

/** lifecycle_msgs/msg/State. */
export const STATES = {
  unknown: 0,
  unconfigured: 1,
  inactive: 2,
  active: 3,
  finalized: 4,
  configuring: 10,
  cleaningup: 11,
  shuttingdown: 12,
  activating: 13,
  deactivating: 14,
  errorprocessing: 15,
} as const;
export type StateLabel = keyof typeof STATES;
type PrimaryState = 'unconfigured' | 'inactive' | 'active' | 'finalized';

export type TransitionLabel = 'configure' | 'cleanup' | 'activate' | 'deactivate' | 'shutdown';

export interface Transition {
  /** lifecycle_msgs/msg/Transition. */
  readonly id: number;
  readonly label: TransitionLabel;
  readonly start: PrimaryState;
  readonly during: StateLabel;
  readonly goal: PrimaryState;
}

export const TRANSITIONS: readonly Transition[] = [
  { id: 1, label: 'configure', start: 'unconfigured', during: 'configuring', goal: 'inactive' },
  { id: 2, label: 'cleanup', start: 'inactive', during: 'cleaningup', goal: 'unconfigured' },
  { id: 3, label: 'activate', start: 'inactive', during: 'activating', goal: 'active' },
  { id: 4, label: 'deactivate', start: 'active', during: 'deactivating', goal: 'inactive' },
  { id: 5, label: 'shutdown', start: 'unconfigured', during: 'shuttingdown', goal: 'finalized' },
  { id: 6, label: 'shutdown', start: 'inactive', during: 'shuttingdown', goal: 'finalized' },
  { id: 7, label: 'shutdown', start: 'active', during: 'shuttingdown', goal: 'finalized' },
];

/** The work of each transition; a rejection fails it. `release` frees everything, whatever state it is called in. */
export interface LifecycleWork {
  configure(): Promise<void>;
  activate(): Promise<void>;
  deactivate(): Promise<void>;
  cleanup(): Promise<void>;
  /** After an error, and at shutdown. Must not reject. */
  release(): Promise<void>;
}

export type TransitionResult = { readonly success: true } | { readonly success: false; readonly reason: string };

export type StateListener = (transition: Pick<Transition, 'id' | 'label'>, from: StateLabel, to: StateLabel) => void;

export class Lifecycle {
  readonly #work: LifecycleWork;
  readonly #onChange: StateListener;
  #state: StateLabel = 'unconfigured';
  #lastError: string | null = null;

  constructor(work: LifecycleWork, onChange: StateListener) {
    this.#work = work;
    this.#onChange = onChange;
  }

  get state(): StateLabel {
    return this.#state;
  }

  /** Why the last transition failed; null after a good one. */
  get lastError(): string | null {
    return this.#lastError;
  }

  get available(): readonly Transition[] {
    return TRANSITIONS.filter(({ start }) => start === this.#state);
  }

  /** By label, or by id where the label is empty (lifecycle_msgs/srv/ChangeState). */
  async change(wanted: { readonly id?: number; readonly label?: string }): Promise<TransitionResult> {
    const label = wanted.label ?? '';
    const transition = this.available.find((known) => (label === '' ? known.id === wanted.id : known.label === label));
    if (transition === undefined) {
      const possible = this.available.map((known) => known.label).join(', ') || 'none until the present one is done';
      const name = label === '' ? `${wanted.id}` : `'${label}'`;
      return { success: false, reason: `No transition ${name}; possible: ${possible}.` };
    }
    return this.#run(transition);
  }

  /** To unconfigured, for a failure that is noticed outside a transition; false where there is nothing to give up any more. */
  async fail(reason: string): Promise<boolean> {
    if (this.#state !== 'inactive' && this.#state !== 'active') return false;
    await this.#processError({ id: 60, label: 'deactivate' }, reason);
    return true;
  }

  async #run(transition: Transition): Promise<TransitionResult> {
    this.#enter(transition, transition.during);
    try {
      await (transition.label === 'shutdown' ? this.#work.release() : this.#work[transition.label]());
    } catch (error) {
      const reason = describeError(error);
      await this.#processError(transition, reason);
      return { success: false, reason };
    }
    this.#lastError = null;
    this.#enter(transition, transition.goal);
    return { success: true };
  }

  async #processError(transition: Pick<Transition, 'id' | 'label'>, reason: string): Promise<void> {
    this.#lastError = reason;
    this.#enter(transition, 'errorprocessing');
    await this.#work.release();
    this.#enter(transition, 'unconfigured');
  }

  #enter(transition: Pick<Transition, 'id' | 'label'>, to: StateLabel): void {
    const from = this.#state;
    this.#state = to;
    this.#onChange(transition, from, to);
  }
}
