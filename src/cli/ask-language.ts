/** Asks at a terminal what a new project is to be written in. */

import type { Readable, Writable } from 'node:stream';
import { isCancel, select } from '@clack/prompts';
import { RingfenceError } from '../index.ts';

/** Where it is asked and answered. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * Asks for one of several languages.
 *
 * @throws {RingfenceError} `RF_USAGE` where the question was left without an answer
 */
export async function askLanguage<Language extends string>(
  languages: readonly Language[],
  { input, output }: Terminal,
): Promise<Language> {
  const answer = await select<string>({
    message: 'What is the agent written in?',
    options: languages.map((value) => ({ value })),
    input,
    output,
  });
  const language = languages.find((each) => each === answer);
  if (language !== undefined && !isCancel(answer)) return language;
  throw new RingfenceError(
    'RF_USAGE',
    'No project was made, as no language was chosen: name one by --lang.',
  );
}
