/** What an agent of the command line is called. */

import { basename } from 'node:path';

const AGENT_ID_LENGTH_MAX = 256;

/** The agent's name: that of its file. */
export function agentIdOf(modulePath: string): string {
  const name = basename(modulePath, '.wasm').slice(0, AGENT_ID_LENGTH_MAX).toWellFormed();
  return name === '' ? 'agent' : name;
}
