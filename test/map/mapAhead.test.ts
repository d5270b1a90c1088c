import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { mapAhead } from '../../src/map/mapAhead.ts';

async function* count(to: number): AsyncGenerator<number> {
  for (let i = 0; i < to; i++) {
    await nextTurn();
    yield i;
  }
}

describe('mapAhead', () => {
  it('keeps the order and the limit, however long each item takes', async () => {
    let [running, most] = [0, 0];
    const turns = [5, 1, 3, 0, 7, 2, 0, 4];
    const work = async (item: number): Promise<number> => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < turns[item]!; turn++) await nextTurn();
      running--;
      return item;
    };
    const results: number[] = [];
    for await (const result of mapAhead(count(8), () => 3, work)) results.push(result);
    assert.deepEqual(results, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.equal(most, 3);
  });

  it('throws at the item that failed, after the results before it, and leaves nothing running', async () => {
    let running = 0;
    const work = async (item: number): Promise<number> => {
      running++;
      await nextTurn();
      running--;
      if (item === 2) throw new Error('item 2');
      return item;
    };
    const results: number[] = [];
    await assert.rejects(async () => {
      for await (const result of mapAhead(count(9), () => 4, work)) results.push(result);
    }, /item 2/);
    assert.deepEqual(results, [0, 1]);
    assert.equal(running, 0);
  });

  it('starts nothing more once the consumer has left', async () => {
    let started = 0;
    const work = (item: number): Promise<number> => {
      started++;
      return Promise.resolve(item);
    };
    for await (const result of mapAhead(count(100), () => 2, work)) if (result === 3) break;
    assert.ok(started <= 6, `${started} started`);
  });
});
