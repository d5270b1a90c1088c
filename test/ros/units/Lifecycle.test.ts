/** @file The state machine alone: order of work, failures, wrong transitions through any history. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Lifecycle, TRANSITIONS, type LifecycleWork, type StateLabel } from '../../../src/ros/Lifecycle.ts';
import { isDoneSoon } from '../../../src/ros/patience.ts';

function createLifecycle(failing: ReadonlySet<string> = new Set()): {
  readonly lifecycle: Lifecycle;
  readonly done: string[];
  readonly states: StateLabel[];
} {
  const done: string[] = [];
  const states: StateLabel[] = [];
  const step = (name: string) => async (): Promise<void> => {
    await Promise.resolve();
    done.push(name);
    if (failing.has(name)) throw new Error(`no ${name} today`);
  };
  const work: LifecycleWork = {
    configure: step('configure'),
    activate: step('activate'),
    deactivate: step('deactivate'),
    cleanup: step('cleanup'),
    release: step('release'),
  };
  return { lifecycle: new Lifecycle(work, (_transition, _from, to) => states.push(to)), done, states };
}

describe('Lifecycle', () => {
  it('does the work of each transition and passes through its states', async () => {
    const { lifecycle, done, states } = createLifecycle();
    for (const label of ['configure', 'activate', 'deactivate', 'cleanup', 'shutdown']) {
      assert.deepEqual(await lifecycle.change({ label }), { success: true });
    }
    assert.deepEqual(done, ['configure', 'activate', 'deactivate', 'cleanup', 'release']);
    assert.deepEqual(states, [
      ...['configuring', 'inactive', 'activating', 'active', 'deactivating', 'inactive'],
      ...['cleaningup', 'unconfigured', 'shuttingdown', 'finalized'],
    ]);
  });

  for (const label of ['configure', 'activate'] as const) {
    it(`frees everything and is unconfigured, with the reason, when ${label} fails`, async () => {
      const { lifecycle, done } = createLifecycle(new Set([label]));
      if (label === 'activate') await lifecycle.change({ label: 'configure' });
      assert.deepEqual(await lifecycle.change({ label }), { success: false, reason: `no ${label} today` });
      assert.deepEqual(
        [lifecycle.state, lifecycle.lastError, done.at(-1)],
        ['unconfigured', `no ${label} today`, 'release'],
      );
    });
  }

  it('goes back to unconfigured when something fails later, from inactive and active only', async () => {
    const { lifecycle, done } = createLifecycle();
    assert.equal(await lifecycle.fail('too early'), false);
    assert.deepEqual([lifecycle.state, done], ['unconfigured', []]);
    await lifecycle.change({ label: 'configure' });
    assert.equal(await lifecycle.fail('the map vanished'), true);
    assert.deepEqual([lifecycle.state, lifecycle.lastError], ['unconfigured', 'the map vanished']);
  });

  it('refuses what is not possible in words that name what is', async () => {
    const { lifecycle } = createLifecycle();
    assert.deepEqual(await lifecycle.change({ id: 3 }), {
      success: false,
      reason: 'No transition 3; possible: configure, shutdown.',
    });
  });

  it('refuses another transition while one is under way', async () => {
    const { lifecycle } = createLifecycle();
    const first = lifecycle.change({ label: 'configure' });
    assert.equal((await lifecycle.change({ label: 'configure' })).success, false);
    assert.deepEqual(await first, { success: true });
  });

  it('is always in a state that its last good transition leads to', async () => {
    const ids = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(ids, async (wanted) => {
        const { lifecycle } = createLifecycle();
        for (const id of wanted) {
          const before = lifecycle.state;
          const known = TRANSITIONS.find((transition) => transition.id === id && transition.start === before);
          assert.equal((await lifecycle.change({ id })).success, known !== undefined);
          assert.equal(lifecycle.state, known?.goal ?? before);
        }
      }),
    );
  });
});

describe('isDoneSoon', () => {
  it('tells work that is done from work that goes on, and passes on a failure', async () => {
    assert.equal(await isDoneSoon(Promise.resolve('anything')), true);
    assert.equal(await isDoneSoon(new Promise(() => undefined)), false);
    await assert.rejects(isDoneSoon(Promise.reject(new Error('no map'))), /no map/);
  });
});
