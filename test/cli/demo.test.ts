/** @file The demonstration's arithmetic and its lines, on answers small enough to count by hand. */
import assert from 'node:assert/strict';
import { formatFrame, formatSummary, type Painter } from '../../src/cli/demo/demoLines.ts';
import { summarize, type JudgedFrame, type JudgedHypothesis } from '../../src/cli/demo/judgeAnswers.ts';
import { readDemoSettings } from '../../src/cli/demo/DemoSettings.ts';

const plain: Painter = (_style, text) => text;

function hypothesis(isRight: boolean, errorM: number): JudgedHypothesis {
  const at = { x: 12.34, y: -5.6 };
  return {
    row: 0,
    image: 'day/7.jpg',
    mapFrame: 7,
    placeId: 1,
    similarity: 0.8,
    probability: 0.9,
    at,
    isRight,
    errorM,
  };
}

function answer(frame: number, hypotheses: readonly JudgedHypothesis[], facts: Partial<JudgedFrame> = {}): JudgedFrame {
  const common = { confidence: 0.9, reason: '', hasTruth: true, latencyMs: 10 * (frame + 1) };
  return { frame, state: 'located', hypotheses, ...common, ...facts };
}

const right = hypothesis(true, 2);
const wrong = hypothesis(false, 80);

describe('the demonstration', () => {
  // five frames played, four answered: right at once, right at rank 3, never right, and one off the map
  const frames = [
    answer(0, [right, wrong]),
    answer(1, [wrong, wrong, right], { state: 'uncertain' }),
    answer(3, [wrong]),
    answer(4, [wrong], { hasTruth: false, state: 'off_map' }),
  ];
  const numbers = summarize(frames, 5);

  it('counts recall over the answered frames that are on the map', () => {
    assert.deepEqual(numbers.recall, { 1: 1 / 3, 5: 2 / 3, 10: 2 / 3 });
    assert.deepEqual([numbers.played, numbers.answered, numbers.withTruth, numbers.offMap], [5, 4, 3, 1]);
  });

  it('takes errors from the best hypotheses, and precision from the located frames', () => {
    assert.equal(numbers.medianErrorM, 80); // 2, 80, 80
    assert.deepEqual([numbers.located, numbers.locatedRight, numbers.locatedOffMap], [2, 1, 0]);
    assert.equal(numbers.locatedMedianErrorM, 41); // 2 and 80
    assert.equal(numbers.medianLatencyMs, 30); // 10, 20, 40, 50
  });

  it('prints one line a frame, with position, probability and error', () => {
    assert.equal(
      formatFrame(frames[0]!, 5, plain),
      '   1/5     located          12.3,      -5.6 m    0.90      2.0 m  day/7.jpg',
    );
    assert.match(formatFrame(frames[3]!, 5, plain), /off_map .* off map {2}day/);
  });

  it('names the frame of the map where there are no positions', () => {
    const topological = answer(0, [{ ...right, at: null, errorM: null }]);
    assert.equal(
      formatFrame(topological, 5, plain),
      '   1/5     located                          7    0.90        yes  day/7.jpg',
    );
  });

  it('says at the end what was dropped and what was wrong', () => {
    const text = formatSummary(numbers, 'within 25 m', plain);
    assert.match(text, /5 played, 4 answered, 1 overtaken/);
    assert.match(text, /@1 33\.3 % {3}@5 66\.7 %/);
    assert.match(text, /2 frames, 50\.0 % of them right, median error 41\.0 m/);
  });

  it('refuses a rate that is none', () => {
    assert.throws(() => readDemoSettings({ RATE: 'fast' }), /RATE must be a number above 0, received 'fast'/);
    assert.equal(readDemoSettings({ DATA: '/photos', CONDITION: '' }).condition, null);
  });
});
