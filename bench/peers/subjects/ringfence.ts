/** Agents that share worker threads, as is the default. */

import { ringfence } from '../ringfence-agents.ts';

export const subject = ringfence('shared', { kept: 1_000, lives: 10_000 });
