/** A subject's process, as the part asks it. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Introduction, Question } from './child.ts';
import type { Fences } from './subject.ts';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
/** What their documentation asks Node to be started with. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  'isolated-vm': ['--no-node-snapshot'],
};

/** What was measured of one subject; times in milliseconds, of whole lives. */
export interface Measured {
  readonly name: string;
  readonly fences: Fences;
  readonly lives: number[];
  readonly rates: number[];
  readonly computes: number[];
  readonly calls: number[];
  /** How many calls its job has. */
  readonly callsInJob: number;
  /** Null: it keeps none, or the system does not tell. */
  bytes: number | null;
}

/** What the work of lives took, without their start and end: the shortest life that did nothing. */
export function workOf({ lives }: Measured, times: readonly number[]): number[] {
  const nothing = Math.min(...lives);
  return times.map((ms) => ms - nothing);
}

/** A subject's process. */
export class Running {
  readonly subject: string;
  readonly introduction: Introduction;
  readonly measured: Measured;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, subject: string, introduction: Introduction) {
    const { version, fences } = introduction;
    this.#child = child;
    this.subject = subject;
    this.introduction = introduction;
    this.measured = {
      name: version === null ? subject : `${subject} ${version}`,
      fences,
      lives: [],
      rates: [],
      computes: [],
      calls: [],
      callsInJob: introduction.calls,
      bytes: null,
    };
  }

  static async open(subject: string, guests: string): Promise<Running> {
    const child = fork(CHILD, [subject, guests], {
      execArgv: ['--expose-gc', '--no-warnings', ...(FLAGS[subject] ?? [])],
      serialization: 'advanced',
    });
    return new Running(child, subject, (await told(child, subject)) as Introduction);
  }

  async ask(question: Question): Promise<Answer> {
    this.#child.send(question);
    return (await told(this.#child, this.measured.name)) as Answer;
  }

  close(): void {
    this.#child.kill();
  }
}

async function told(child: ChildProcess, name: string): Promise<unknown> {
  const ended = new AbortController();
  const { signal } = ended;
  const answer = await Promise.race([
    once(child, 'message', { signal }).then(([message]) => ({ message: message as unknown })),
    once(child, 'exit', { signal }).then(() => null),
  ]).finally(() => ended.abort());
  if (answer === null) throw new Error(`${name} ended before it answered`);
  return answer.message;
}
