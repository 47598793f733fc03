// What the agent may do, and asking for more.

import * as host from 'ringfence:agent/capabilities';
import { attempt } from './errors.ts';
import type { Grant } from './processes.ts';

/** What the agent may do. */
export const capabilities = {
  /** What it holds that is in force. */
  list: (): readonly Grant[] => host.list(),
  /** Asks for more, and waits for who decides; the reason is shown there. */
  request(grant: Grant, reason: string): 'permitted' | 'deferred' | 'denied' {
    const asked = { kind: grant.kind, scope: [...grant.scope] };
    return attempt(() => host.request(asked, reason)) as 'permitted' | 'deferred' | 'denied';
  },
} as const;
