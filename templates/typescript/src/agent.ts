// Greets, then answers each request with how many words it has, until nobody asks any more.

import { Agent, type Arrived, log } from 'ringfence/javascript';

class WordCounter extends Agent {
  override idleMs = 1_000;

  override onStart(): void {
    log.info('hello from inside the fence');
  }

  override onRequest({ payload }: Arrived<'request'>): string | undefined {
    return typeof payload === 'string' ? String(countWords(payload)) : undefined;
  }

  // It may not hear anybody: then it has greeted, and is done.
  override onFailure(): void {}
}

export function run(): void {
  new WordCounter().run();
}

function countWords(text: string): number {
  return text.split(' ').filter((word) => word !== '').length;
}
