/** @file What of a progress bar is seen on a terminal: one line, never wider than it, and none under a message. */
import assert from 'node:assert/strict';
import { clearProgress, createTerminalProgress } from '../../src/cli/terminalProgress.ts';

const CLEAR = '\r\x1b[2K';

/** A terminal, or a file where it has no columns, that keeps what is written. */
function openStream(columns?: number): { stream: NodeJS.WriteStream; written: () => string } {
  let text = '';
  const write = (chunk: string): boolean => {
    text += chunk;
    return true;
  };
  const stream = { isTTY: columns !== undefined, columns, write } as unknown as NodeJS.WriteStream;
  return { stream, written: () => text };
}

describe('progress on a terminal', () => {
  it('is drawn over itself, and its summary takes its place', () => {
    const { stream, written } = openStream(120);
    const progress = createTerminalProgress('describing', stream);
    progress.update(1, 4);
    progress.finish();
    const [before, drawn, summary] = written().split(CLEAR);
    assert.equal(before, '');
    assert.match(drawn!, /^\[#{6}\.{18}\] describing 1\/4 {2}\S+\/s {2}\S+ left$/);
    assert.match(summary!, /^describing: 1 in 0:0\d\n$/);
  });

  it('is cut to the width of a narrow terminal: a line that wraps cannot be drawn over', () => {
    const { stream, written } = openStream(30);
    createTerminalProgress('describing', stream).update(1, 4, 'a/long/name.jpg');
    assert.equal(written().slice(CLEAR.length), '[######..................] de');
    clearProgress();
  });

  it('makes way for a message, once', () => {
    const { stream, written } = openStream(120);
    createTerminalProgress('describing', stream).update(1, 4);
    const drawn = written();
    clearProgress();
    clearProgress();
    assert.equal(written(), `${drawn}${CLEAR}`);
  });

  it('is plain lines in a file', () => {
    const { stream, written } = openStream();
    const progress = createTerminalProgress('describing', stream);
    progress.update(1, 4);
    clearProgress();
    progress.finish('3 skipped');
    assert.match(written(), /^describing: 1 in 0:0\d {2}3 skipped\n$/);
  });
});
