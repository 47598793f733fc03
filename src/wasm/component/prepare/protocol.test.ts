/** Goal: nothing but a whole, bounded, well-formed answer is taken from a child, however it is cut. */

import { describe, expect, test } from 'vitest';
import { RingfenceError } from '../../../errors.ts';
import {
  type Answer,
  AnswerReader,
  answerFrames,
  type ChildAnswer,
  type ChildStage,
  endFrame,
  ProtocolError,
  refusalFrame,
  stageFrame,
} from './protocol.ts';

const BOUNDS = { planBytes: 10_000, modules: 3, modulesBytes: 1_000 };
const ANSWER: ChildAnswer = {
  adapted: true,
  doubtful: [1],
  plan: { format: 1 },
  modules: [new Uint8Array([1, 2, 3]), new Uint8Array(200).fill(7)],
};

function read(frames: Uint8Array[], piece = 1 << 20, stages: ChildStage[] = []): Answer {
  const reader = new AnswerReader(BOUNDS, (stage) => stages.push(stage));
  const all = Buffer.concat(frames);
  for (let at = 0; at < all.length; at += piece) reader.push(all.subarray(at, at + piece));
  return reader.finish();
}

const raw = (kind: number, payload: Uint8Array, length = payload.length) => {
  const header = Buffer.alloc(5);
  header.writeUInt8(kind, 0);
  header.writeUInt32LE(length, 1);
  return [header, payload];
};
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const plan = (over: object) =>
  raw(3, json({ adapted: false, doubtful: [], sizes: [1], plan: null, ...over }));

describe('a right answer', () => {
  test.each([1, 3, 7, 1 << 20])('comes through in pieces of %i bytes', (piece) => {
    const stages: ChildStage[] = [];
    const frames = [...stageFrame('reading'), ...stageFrame('metering'), ...answerFrames(ANSWER)];
    expect(read(frames, piece, stages)).toEqual({ kind: 'accepted', answer: ANSWER });
    expect(stages).toEqual(['reading', 'metering']);
  });

  test('may be nothing but success', () => {
    expect(read(endFrame())).toEqual({ kind: 'accepted', answer: null });
  });

  test('may be a refusal, whose texts are made printable', () => {
    const error = new RingfenceError('RF_MODULE_REFUSED', 'No \u001b[2J\n\u202e here.', {
      name: 'a\u0000b',
      offset: 3,
    });
    const answer = read(refusalFrame(error)) as Extract<Answer, { kind: 'refused' }>;
    expect(answer.error).toBeInstanceOf(RingfenceError);
    expect(answer.error.code).toBe('RF_MODULE_REFUSED');
    expect(answer.error.message).toBe('No \\u{1b}[2J\\u{a}\\u{202e} here.');
    expect(answer.error.fields).toEqual({ name: 'a\\u{0}b', offset: 3 });
  });
});

describe('a wrong answer', () => {
  const wrong: [string, Uint8Array[]][] = [
    ['no frame at all', []],
    ['half a header', [new Uint8Array([1, 1])]],
    ['an unknown kind', raw(9, new Uint8Array(0))],
    ['an unknown stage', raw(1, new Uint8Array([99]))],
    ['a stage without a name', raw(1, new Uint8Array(0))],
    ['a module before the plan', raw(4, new Uint8Array(1))],
    ['a plan that is no JSON', raw(3, new Uint8Array([0x7b]))],
    ['a plan of another shape', raw(3, json({ plan: 1 }))],
    ['a plan with a field too many', plan({ extra: 1 })],
    ['a plan without modules', plan({ sizes: [] })],
    ['a negative size', plan({ sizes: [-1] })],
    ['doubt about what is not there', plan({ doubtful: [1] })],
    ['two plans', [...plan({}), ...plan({})]],
    ['a shorter module than announced', [...plan({ sizes: [2] }), ...raw(4, new Uint8Array(1))]],
    ['an end before the modules', [...plan({}), ...endFrame()]],
    [
      'a module too many',
      [...plan({}), ...raw(4, new Uint8Array(1)), ...raw(4, new Uint8Array(1))],
    ],
    ['no end', [...plan({}), ...raw(4, new Uint8Array(1))]],
    ['bytes after the end', [...endFrame(), new Uint8Array(1)]],
    ['a refusal with a code of ours', refusalFrame(new RingfenceError('RF_INTERNAL', 'x'))],
    ['a refusal that is no JSON', raw(2, new Uint8Array([1]))],
  ];
  test.each(wrong)('%s', (_name, frames) => {
    expect(() => read(frames)).toThrow(ProtocolError);
  });
});

describe('an answer that is too much', () => {
  const much: [string, Uint8Array[]][] = [
    ['a long plan', raw(3, new Uint8Array(0), BOUNDS.planBytes + 1)],
    ['a long refusal', raw(2, new Uint8Array(0), 0xffffffff)],
    ['many modules', plan({ sizes: [1, 1, 1, 1] })],
    ['large modules', plan({ sizes: [600, 600] })],
    ['stages without end', Array.from({ length: 5_000 }, () => stageFrame('reading')).flat()],
  ];
  test.each(much)('%s', (_name, frames) => {
    let thrown: unknown;
    try {
      read(frames);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ProtocolError);
    expect((thrown as ProtocolError).flood).toBe(true);
  });
});
