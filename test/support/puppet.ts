/** The guest `puppet` in a test's hands: it does what it is told, and says how it came out. */

import type { Agent, Kernel, LoadedModule, SpawnOptions } from '../../src/index.ts';

/** Lines that go to the guest as they are written. */
class Lines implements AsyncIterable<Uint8Array> {
  readonly #waiting: ((line: string | null) => void)[] = [];
  readonly #ready: (string | null)[] = [];

  push(line: string | null): void {
    const reader = this.#waiting.shift();
    if (reader === undefined) {
      this.#ready.push(line);
    } else {
      reader(line);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const ready = this.#ready.shift();
      const line =
        ready === undefined
          ? await new Promise<string | null>((resolve) => this.#waiting.push(resolve))
          : ready;
      if (line === null) {
        return;
      }
      yield Buffer.from(`${line}\n`);
    }
  }
}

export class Puppet {
  readonly agent: Agent;
  readonly #input: Lines;
  readonly #answers: Lines;
  readonly #reader: AsyncIterator<Uint8Array>;

  constructor(agent: Agent, input: Lines, answers: Lines) {
    this.agent = agent;
    this.#input = input;
    this.#answers = answers;
    this.#reader = answers[Symbol.asyncIterator]();
  }

  /** Tells it to do something, and answers how that came out; `ended: REASON` where it ended instead. */
  async tell(line: string): Promise<string> {
    this.say(line);
    return this.answer();
  }

  /** Tells it to do something. */
  say(line: string): void {
    this.#input.push(line);
  }

  /** What it says next. */
  async answer(): Promise<string> {
    const { value } = await this.#reader.next();
    return Buffer.from(value as Uint8Array)
      .toString()
      .trimEnd();
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.#input.push('end');
    await this.agent.exited;
    this.#answers.push(null);
  }
}

/** Spawns a puppet. */
export async function spawnPuppet(
  kernel: Kernel,
  module: LoadedModule,
  options: Omit<SpawnOptions, 'module' | 'stdin' | 'stdout'> = {},
): Promise<Puppet> {
  const input = new Lines();
  const answers = new Lines();
  let rest = '';
  const agent = await kernel.spawn({
    ...options,
    module,
    stdin: input,
    stdout: async (bytes: Uint8Array) => {
      const lines = (rest + Buffer.from(bytes).toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        answers.push(line);
      }
    },
  });
  void agent.exited.then(({ exit }) => answers.push(`ended: ${exit.reason} ${exit.message}`));
  return new Puppet(agent, input, answers);
}
