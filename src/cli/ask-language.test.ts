/** Goal: who answers gets what was chosen, who leaves gets a sentence. Method: keys into a stream. */

import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { askLanguage } from './ask-language.ts';

const DOWN = '\x1b[B';
const ENTER = '\r';
const INTERRUPT = '\x03';

/** Asks, and presses the keys when the question is there. */
async function answered(keys: readonly string[]): Promise<{ chosen: string; shown: string }> {
  const input = new PassThrough();
  const output = new PassThrough();
  const chosen = askLanguage(['assemblyscript', 'c', 'javascript'], { input, output });
  let shown = '';
  output.on('data', (chunk: Buffer) => {
    const before = shown;
    shown += chunk.toString();
    if (before === '') for (const key of keys) input.write(key);
  });
  return { chosen: await chosen, shown };
}

test('enter takes the first, and the arrows move', async () => {
  const first = await answered([ENTER]);
  expect(first.chosen).toBe('assemblyscript');
  expect(first.shown).toContain('What is the agent written in?');
  expect((await answered([DOWN, DOWN, ENTER])).chosen).toBe('javascript');
});

test('whoever leaves is told how to name it', async () => {
  await expect(answered([INTERRUPT])).rejects.toMatchObject({
    code: 'RF_USAGE',
    message: 'No project was made, as no language was chosen: name one by --lang.',
  });
});
