/** Agents with a process each, behind the system's walls. */

import { ringfence } from '../ringfence-agents.ts';

export const subject = ringfence('process', { kept: 10, lives: 30 });
