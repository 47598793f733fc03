// Greets, then answers each request with how many words it has, until nobody asks any more.

import { Agent, log } from 'ringfence/javascript';

class WordCounter extends Agent {
  idleMs = 1_000;

  onStart() {
    log.info('hello from inside the fence');
  }

  /** @param {import('ringfence/javascript').Arrived<'request'>} request */
  onRequest({ payload }) {
    return typeof payload === 'string' ? String(countWords(payload)) : undefined;
  }

  // It may not hear anybody: then it has greeted, and is done.
  onFailure() {}
}

export function run() {
  new WordCounter().run();
}

/** @param {string} text */
function countWords(text) {
  return text.split(' ').filter((word) => word !== '').length;
}
