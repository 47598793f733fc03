/** Agents with a worker thread each. */

import { ringfence } from '../ringfence-agents.ts';

export const subject = ringfence('thread', { kept: 20, lives: 60 });
