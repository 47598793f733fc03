// Where `console` goes in a world that has the log.

import { log } from 'ringfence:agent/log';

export function write(level: string, text: string): void {
  log(level, text);
}
