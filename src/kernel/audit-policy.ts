/** Decisions of policies, as the audit chain holds them. */

import type { AuditEvent } from '../audit/vocabulary.ts';
import { RingfenceError } from '../errors.ts';
import type { Decision, ModuleIdentity, Policy } from '../policy/policy.ts';

const DIGEST = /^[0-9a-f]{64}$/;

/** Has policies decide, and records what they say; a policy itself when it is asked first. */
export class PolicyAudit {
  readonly #note: (event: AuditEvent) => void;
  /** What each policy has said last, and of which module: it is often asked twice. */
  readonly #said = new WeakMap<Policy, string>();

  constructor(note: (event: AuditEvent) => void) {
    this.#note = note;
  }

  /** @throws {RingfenceError} as `Policy.decide` */
  decide(policy: Policy, module: ModuleIdentity): Decision {
    if (!this.#said.has(policy)) {
      this.#said.set(policy, '');
      const payload = { entries: policy.entries, policy: policy.digest };
      this.#note({ kind: 'policy.load', payload });
    }
    const digest = module.digest.replace(/^sha256:/, '');
    const about = DIGEST.test(digest) ? digest : null;
    try {
      const decision = policy.decide(module);
      const line = decision.entry?.line ?? null;
      if (this.#isNew(policy, `${digest} ${line}`)) {
        const payload = { line, policy: policy.digest };
        this.#note({ kind: 'policy.decide', module: about, payload });
      }
      return decision;
    } catch (error) {
      const { code, message } =
        error instanceof RingfenceError ? error : { code: 'RF_INTERNAL', message: 'it failed' };
      if (this.#isNew(policy, `${digest} ${code}`)) {
        const payload = { code, policy: policy.digest, reason: message };
        this.#note({ kind: 'policy.refuse', module: about, payload });
      }
      throw error;
    }
  }

  #isNew(policy: Policy, said: string): boolean {
    const isNew = this.#said.get(policy) !== said;
    this.#said.set(policy, said);
    return isNew;
  }
}
