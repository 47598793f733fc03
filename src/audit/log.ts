/**
 * The audit log of a program: takes events, hands them to the thread that writes, and tells who waits that
 * they are on disk.
 */

import type { KeyObject } from 'node:crypto';
import { RingfenceError } from '../errors.ts';
import type { Anchor } from './anchors/anchor.ts';
import { Anchoring } from './anchors/anchoring.ts';
import { type Draft, draft } from './event.ts';
import { signingKey } from './keys.ts';
import { originOf, type Signer, verifierKey } from './note.ts';
import type { Durability } from './options.ts';
import { Outbox } from './outbox.ts';
import { type Envelope, type Receipt, receiptDigest, signReceipt } from './receipt.ts';
import { textOfDraft, type Written } from './store/protocol.ts';
import type { Opened, ThreadLink } from './thread-link.ts';
import type { AuditEvent } from './vocabulary.ts';

/** With durability `exit`: an event waits no longer for an agent's exit. */
const EXIT_INTERVAL_MS = 1000;

/** How long a process that ends waits for its last events. */
const LAST_WAIT_MS = 2000;

/** Where an event stands. */
export interface Recorded {
  readonly seq: number;
  readonly hash: string;
}

/** What a log is made with, beside its thread. */
export interface LogSettings {
  readonly directory: string;
  /** Canonical paths of what it is made of: its directory, and its key where that is a file. */
  readonly paths: readonly string[];
  readonly durability: Durability;
  readonly intervalMs: number;
  readonly anchors: readonly Anchor[];
  readonly anchorMs: number;
  readonly key: KeyObject | null;
  readonly onWarning: (text: string) => void;
}

function signerOf(chain: string, key: KeyObject): Signer {
  return { key, verifier: verifierKey(originOf(chain), key) };
}

/** An audit log that is open. */
export class AuditLog implements AsyncDisposable {
  /** The chain's name. */
  readonly chain: string;
  readonly directory: string;
  /** Canonical paths of its directory, and of its key where that is a file: nobody else's may hold them. */
  readonly paths: readonly string[];
  /** Where its anchors keep checkpoints on this machine. */
  readonly anchorPaths: readonly string[];
  readonly #thread: ThreadLink;
  readonly #durability: Durability;
  readonly #outbox: Outbox;
  readonly #anchoring: Anchoring;
  readonly #onWarning: (text: string) => void;
  readonly #atExit = (): void => {
    this.#outbox.send();
    this.#thread.waitBlocking(LAST_WAIT_MS);
  };
  #note: string | null = null;
  #signer: Signer | null;
  #last = -1;
  #problem: RingfenceError | null = null;
  #closed: Promise<void> | null = null;
  /** A kernel writes into it: pids in the chain are those of one. */
  #isClaimed = false;

  /** Use `openAudit`. */
  constructor(thread: ThreadLink, opened: Opened, settings: LogSettings) {
    this.#thread = thread;
    this.chain = opened.chain;
    this.directory = settings.directory;
    this.paths = settings.paths;
    this.anchorPaths = settings.anchors.flatMap(({ path }) => path ?? []);
    this.#signer = settings.key === null ? null : signerOf(opened.chain, settings.key);
    this.#last = opened.size - 1;
    this.#durability = settings.durability;
    const waitMs = settings.durability === 'exit' ? EXIT_INTERVAL_MS : settings.intervalMs;
    const take = (drafts: string): void => this.#take(drafts);
    this.#outbox = new Outbox({ take, pending: () => thread.pending }, waitMs);
    this.#onWarning = settings.onWarning;
    this.#anchoring = new Anchoring({
      anchors: settings.anchors,
      intervalMs: settings.anchorMs,
      note: () => this.#note,
      anchored: (anchor, size, problem) => this.#anchored(anchor, size, problem),
    });
    thread.listen({
      written: ({ last, note }) => {
        this.#last = Math.max(this.#last, last);
        this.#note = note ?? this.#note;
      },
      failing: (problem) => {
        this.#problem = problem;
        this.#onWarning(problem?.message ?? 'The audit chain is written again.');
      },
      lost: (problem) => {
        // One that is being closed ends its thread itself.
        if (this.#closed === null) {
          this.#problem = problem;
          this.#onWarning(problem.message);
        }
      },
    });
    process.on('exit', this.#atExit);
  }

  /** The public key, as C2SP writes it: what verifiers need. Null: the chain is not signed. */
  get key(): string | null {
    return this.#signer?.verifier.text ?? null;
  }

  /** The last event that is on disk. */
  get last(): number {
    return this.#last;
  }

  /** Why nothing can be recorded at the moment; null: it can. */
  get problem(): RingfenceError | null {
    return this.#problem;
  }

  /** Characters that wait to be written. */
  get pending(): number {
    return this.#outbox.pending;
  }

  /**
   * A kernel writes into it until it calls what this returns. Who is called by a pid in the chain is told by
   * the kernel that was opened last before, so it is one at a time.
   *
   * @throws {RingfenceError} `RF_USAGE` where another kernel does
   */
  claim(): () => void {
    if (this.#isClaimed) {
      throw new RingfenceError(
        'RF_USAGE',
        'Cannot open the kernel with this audit log as another kernel writes into it, and their pids would be mixed up: close that one, or open a log for each.',
      );
    }
    this.#isClaimed = true;
    return () => {
      this.#isClaimed = false;
    };
  }

  /**
   * Records an event, within the bound that the durability gives. It never throws for what is wrong with
   * the disk: that is told those who must not go on without.
   *
   * @throws {RingfenceError} `RF_USAGE` for an event that is not in the vocabulary, `RF_CLOSED`
   */
  append(event: AuditEvent): void {
    this.appendDraft(draft(event, Date.now()), event.kind === 'agent.exit');
  }

  /**
   * As `append`, for an event that is written already; `isExit`: an agent ends with it.
   *
   * @throws {RingfenceError} `RF_CLOSED`
   */
  appendDraft(written: Draft, isExit: boolean): void {
    this.#requireOpen();
    this.#outbox.add(written, this.#isDue(isExit));
  }

  #isDue(isExit: boolean): boolean {
    return this.#durability === 'event' || (this.#durability === 'exit' && isExit);
  }

  /**
   * Records an event and resolves when it is on disk, whatever the durability: what must not happen
   * without its record happens then.
   *
   * @throws {RingfenceError} `RF_AUDIT` when it can't be written: it is not in the chain then, and will
   * not be; `RF_USAGE`, `RF_CLOSED`
   */
  async recorded(event: AuditEvent): Promise<Recorded> {
    return await this.recordedDraft(draft(event, Date.now()));
  }

  /** As `recorded`, for an event that is written already. @throws {RingfenceError} `RF_AUDIT`, `RF_CLOSED` */
  async recordedDraft(written: Draft): Promise<Recorded> {
    this.#requireOpen();
    // What has happened before stands before it.
    this.#outbox.send();
    const { last, hash } = await this.#thread.ask({
      tag: 'write',
      drafts: textOfDraft(written),
      isAhead: true,
    });
    return { seq: last, hash };
  }

  /** Resolves when all that was recorded until now is on disk, with where the chain stands. */
  async flush(): Promise<Recorded> {
    const { last, hash } = await this.#after();
    return { seq: last, hash };
  }

  /**
   * Signs all that was recorded until now; resolves with the checkpoint as a signed note, null where the
   * chain has no key.
   *
   * @throws {RingfenceError} `RF_AUDIT`, `RF_CLOSED`
   */
  async checkpoint(): Promise<string | null> {
    const { note } = await this.#after();
    return note;
  }

  async #after(): Promise<Written> {
    this.#requireOpen();
    this.#outbox.send();
    return await this.#thread.ask({ tag: 'checkpoint' });
  }

  /**
   * Hands the last checkpoint to all anchors; what became of it is recorded. Never rejects: an anchor that
   * does not take it is warned of.
   */
  anchor(): Promise<void> {
    return this.#anchoring.now();
  }

  /** What comes while the log is being closed has no place in the chain any more. */
  #anchored(anchor: string, size: number, problem: string | null): void {
    if (problem !== null) {
      this.#onWarning(`the audit chain could not be anchored in '${anchor}': ${problem}`);
    }
    if (this.#closed === null && this.#problem?.code !== 'RF_CLOSED') {
      this.append({ kind: 'chain.anchor', payload: { anchor, size, problem } });
    }
  }

  /**
   * Has a new key sign from here on; the old one signs that it does. Resolves with the new public key.
   *
   * @throws {RingfenceError} `RF_AUDIT_KEY`, `RF_AUDIT`, `RF_CLOSED`
   */
  async rotateKey(key: string | KeyObject): Promise<string> {
    this.#requireOpen();
    const read = signingKey(key);
    this.#outbox.send();
    const { note } = await this.#thread.ask({ tag: 'rotate', key: read });
    this.#note = note;
    this.#signer = signerOf(this.chain, read);
    return this.#signer.verifier.text;
  }

  /**
   * Removes what events below a sequence number say; their hashes stay, so that what was signed and proved
   * stays so. The first event and changes of keys are kept.
   *
   * @throws {RingfenceError} `RF_USAGE` for events that are not signed yet, `RF_AUDIT`, `RF_CLOSED`
   */
  async prune(before: number): Promise<void> {
    await this.checkpoint();
    await this.#thread.ask({ tag: 'prune', before });
  }

  /**
   * Gives a receipt of a run: signed, kept beside the chain, and recorded in it. Its span ends with what
   * has been recorded until now.
   *
   * @throws {RingfenceError} `RF_AUDIT_KEY` where the chain is not signed, `RF_AUDIT`, `RF_CLOSED`
   */
  async issueReceipt(run: Omit<Receipt, 'chain' | 'span'>, first: number): Promise<Envelope> {
    const signer = this.#signer;
    if (signer === null) {
      throw new RingfenceError(
        'RF_AUDIT_KEY',
        'Cannot give a receipt as the audit chain has no key: begin another with a key.',
      );
    }
    const { last, hash, note } = await this.#after();
    const span = { checkpoint: note, first, head: hash, last };
    const envelope = signReceipt({ ...run, chain: this.chain, span }, signer);
    const digest = receiptDigest(envelope);
    const event: AuditEvent = { kind: 'receipt.issue', payload: { first, last, receipt: digest } };
    this.#requireOpen();
    await this.#thread.ask({
      tag: 'receipt',
      digest,
      envelope: JSON.stringify(envelope),
      last,
      drafts: textOfDraft(draft(event, Date.now())),
    });
    return envelope;
  }

  /** Writes and signs what there is, anchors it, and ends the thread. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#problem?.code !== 'RF_CLOSED') {
      this.#outbox.send();
      try {
        this.#note = (await this.#thread.ask({ tag: 'close' })).note;
      } catch (error) {
        this.#onWarning(error instanceof Error ? error.message : String(error));
        this.#onWarning(
          `What has happened since is not in the audit chain: the last event on disk is ${this.#last}.`,
        );
      }
    }
    this.#problem = new RingfenceError(
      'RF_CLOSED',
      'Cannot record anything as the audit log is closed: open it again.',
    );
    process.off('exit', this.#atExit);
    await this.#anchoring.end();
    await this.#thread.end();
  }

  #requireOpen(): void {
    if (this.#closed !== null || this.#problem?.code === 'RF_CLOSED') {
      throw (
        this.#problem ??
        new RingfenceError('RF_CLOSED', 'Cannot record anything as the audit log is closed.')
      );
    }
  }

  #take(drafts: string): void {
    this.#thread.ask({ tag: 'write', drafts, isAhead: false }).catch(() => {
      // What was lost with the thread is told by `problem`.
    });
  }
}
