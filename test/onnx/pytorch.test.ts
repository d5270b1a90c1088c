import assert from 'node:assert/strict';
import { NetvladError } from '../../src/errors.ts';
import { readCheckpoint } from '../../src/onnx/pytorch/readCheckpoint.ts';
import { EXPECTED, globalName, legacyCheckpoint, pickle, zipCheckpoint } from '../support/pickleBytes.ts';

describe('readCheckpoint', () => {
  for (const [format, bytes] of [
    ['zip', zipCheckpoint()],
    ['legacy', legacyCheckpoint()],
  ] as const) {
    it(`${format}: reads tensors of nested dictionaries through their strides`, () => {
      assert.deepEqual([...readCheckpoint(bytes)], [['net.w', EXPECTED]]);
    });

    it(`${format}: refuses a file cut at any byte, and never throws anything else`, () => {
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => readCheckpoint(bytes.subarray(0, length)), NetvladError, `cut at ${length}`);
      }
    });
  }

  it('executes nothing: a call of a foreign function is refused by its name', () => {
    // what a malicious file does: os.system('...')
    const attack = pickle(globalName('os', 'system'), [0x28, 0x58, 2, 0, 0, 0, 0x69, 0x64, 0x74], [0x52]);
    assert.throws(() => readCheckpoint(zipCheckpoint(attack)), /object of os\.system/);
  });

  it('says what a file is not', () => {
    assert.throws(() => readCheckpoint(Uint8Array.of(1, 2, 3)), /not a PyTorch file/);
    assert.throws(() => readCheckpoint(zipCheckpoint(pickle([0x7d]))), /no tensors/);
  });
});
