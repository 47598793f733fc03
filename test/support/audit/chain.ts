/** Chains for tests, as lines: signed at an interval, like a store's export. */

import { generateKeyPairSync } from 'node:crypto';
import { Chain, newChain } from '../../../src/audit/chain.ts';
import { draft, lineOf } from '../../../src/audit/event.ts';
import { originOf, type Signer, signCheckpoint, verifierKey } from '../../../src/audit/note.ts';
import type { AuditEvent } from '../../../src/audit/vocabulary.ts';

export const STARTED_MS = 1_790_000_000_000;

export const CHAIN_ID = '00112233445566778899aabbccddeeff';

export function newSigner(chain = CHAIN_ID): Signer {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { key: privateKey, verifier: verifierKey(originOf(chain), privateKey) };
}

export const checkpointLine = (note: string): string => `{"checkpoint":${JSON.stringify(note)}}`;

/** A chain under construction. */
export class TestChain {
  readonly lines: string[] = [];
  /** The line of each event. */
  readonly lineOfEvent: number[] = [];
  readonly checkpoints: string[] = [];
  readonly chain: Chain;
  signer: Signer;
  readonly interval: number;

  constructor(signer = newSigner(), interval = 1000, id = CHAIN_ID) {
    this.chain = new Chain(newChain(id));
    this.signer = signer;
    this.interval = interval;
    this.add({
      kind: 'chain.genesis',
      payload: {
        checkpoint_events: interval,
        key: signer.verifier.text,
        software: 'test',
      },
    });
  }

  add(event: AuditEvent): void {
    for (const { seq, body, hash } of this.chain.append([draft(event, STARTED_MS)])) {
      this.lineOfEvent[seq] = this.lines.length;
      this.lines.push(lineOf(body, hash));
    }
    if (this.chain.size % this.interval === 0) {
      this.sign();
    }
  }

  sign(): void {
    const { verifier } = this.signer;
    const note = signCheckpoint(verifier.name, this.chain.size, this.chain.root(), this.signer);
    this.checkpoints.push(note);
    this.lines.push(checkpointLine(note));
  }

  /** Events of several kinds, until there are `size`. */
  fill(size: number): this {
    for (let pid = this.chain.size; pid < size; pid += 1) {
      this.add(exampleEvent(pid));
    }
    return this;
  }
}

/** The event that a chain has in a place. */
export function exampleEvent(pid: number): AuditEvent {
  const about = {
    pid,
    agentId: pid % 1000 === 501 ? 'agent-“é”' : `agent-${pid % 7}`,
    timeMs: STARTED_MS + pid,
  };
  switch (pid % 3) {
    case 0:
      return {
        ...about,
        kind: 'agent.exit',
        module: 'cd'.repeat(32),
        payload: {
          code: 0,
          denials: 3,
          fuel_table: '1',
          message: null,
          reason: 'normal',
          usage: { fuel: 12_345, memory_bytes: 65_536 },
        },
      };
    case 1:
      return {
        ...about,
        kind: 'capability.deny',
        payload: {
          capability: 'ipc',
          count: 17,
          first_ms: STARTED_MS,
          operation: 'ipc.send',
        },
      };
    default:
      return {
        ...about,
        kind: 'app.event',
        payload: { data: { b: [1.5, null], a: pid % 1000 === 503 ? 'ü' : 'u' }, name: 'x' },
      };
  }
}

/** Lines as the bytes of a file. */
export function bytesOf(lines: readonly string[]): Buffer[] {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const chunks: Buffer[] = [];
  // Cut in the middle of lines and letters, as a stream does.
  for (let at = 0; at < bytes.length; at += 99_991) {
    chunks.push(bytes.subarray(at, at + 99_991));
  }
  return chunks;
}
