// Lines for the operator.

import { log as write } from 'ringfence:agent/log';

const to =
  (level: string) =>
  (message: string): void =>
    write(level, message);

/** Lines for the operator. `console` goes there too. */
export const log = {
  trace: to('trace'),
  debug: to('debug'),
  info: to('info'),
  warn: to('warn'),
  error: to('error'),
} as const;
