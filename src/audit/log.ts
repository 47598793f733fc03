/**
 * The audit log of a program: takes events, hands them to the thread that writes, and tells who waits that
 * they are on disk.
 */

import { type KeyObject, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, RingfenceError } from '../errors.ts';
import { usageError } from '../usage-error.ts';
import { type Anchor, anchorNotes } from './anchors/anchor.ts';
import { draft } from './event.ts';
import { readAuditKey, signingKey } from './keys.ts';
import { originOf, type Signer, verifierKey } from './note.ts';
import { type AuditOptions, auditOptionsSchema, type Durability } from './options.ts';
import { type Envelope, type Receipt, receiptDigest, signReceipt } from './receipt.ts';
import {
  type FromThread,
  type PlainError,
  type ThreadSettings,
  type ToThread,
  textOfDraft,
  type Written,
} from './store/protocol.ts';
import type { AuditEvent } from './vocabulary.ts';

const THREAD = new URL(
  `./store/thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
);

/** Events are handed on after this time at the latest: the bound of durability `interval`. */
const INTERVAL_MS = 10;

/** With durability `exit`: an event waits no longer for an agent's exit. */
const EXIT_INTERVAL_MS = 1000;

/** Characters that wait to be written; what comes on top is not kept, and the chain says how many. */
const PENDING_CHARACTERS_MAX = 64 * 1024 * 1024;

/** Characters that are handed on at once: no text gets too long, and the thread has something to do. */
const BATCH_CHARACTERS_MAX = 1024 * 1024;

/** How long a process that ends waits for its last events. */
const LAST_WAIT_MS = 2000;

/** Where an event stands. */
export interface Recorded {
  readonly seq: number;
  readonly hash: string;
}

interface Waiting {
  readonly characters: number;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: RingfenceError) => void;
}

const toError = ({ code, message }: PlainError): RingfenceError =>
  new RingfenceError(code as ErrorCode, message);

function signerOf(chain: string, key: KeyObject): Signer {
  return { key, verifier: verifierKey(originOf(chain), key) };
}

/** An audit log that is open. */
export class AuditLog implements AsyncDisposable {
  /** The chain's name. */
  readonly chain: string;
  readonly directory: string;
  readonly #worker: Worker;
  readonly #durability: Durability;
  readonly #anchors: readonly Anchor[];
  readonly #onWarning: (text: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #committed: Int32Array;
  readonly #atExit = (): void => this.#flushAtExit();
  #drafts = '';
  #timer: NodeJS.Timeout | null = null;
  #anchorTimer: NodeJS.Timeout | null = null;
  #anchoring: Promise<void> = Promise.resolve();
  #anchored: string | null = null;
  #note: string | null = null;
  #signer: Signer | null;
  #ids = 0;
  #pending = 0;
  #lost = 0;
  #last = -1;
  #problem: RingfenceError | null = null;
  #closed: Promise<void> | null = null;

  /** Use {@link openAudit}. */
  constructor(
    worker: Worker,
    opened: Extract<FromThread, { tag: 'open' }>,
    settings: {
      readonly directory: string;
      readonly durability: Durability;
      readonly anchors: readonly Anchor[];
      readonly anchorMs: number;
      readonly key: KeyObject | null;
      readonly committed: Int32Array;
      readonly onWarning: (text: string) => void;
    },
  ) {
    this.#worker = worker;
    this.chain = opened.chain;
    this.directory = settings.directory;
    this.#signer = settings.key === null ? null : signerOf(opened.chain, settings.key);
    this.#last = opened.size - 1;
    this.#durability = settings.durability;
    this.#anchors = settings.anchors;
    this.#committed = settings.committed;
    this.#onWarning = settings.onWarning;
    worker.on('message', (message: FromThread) => this.#hear(message));
    worker.on('error', (error) => this.#lostThread(error));
    worker.on('exit', () => this.#lostThread(null));
    worker.unref();
    process.on('exit', this.#atExit);
    if (settings.anchors.length > 0) {
      this.#anchorTimer = setInterval(() => void this.anchor(), settings.anchorMs).unref();
    }
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
    return this.#pending + this.#drafts.length;
  }

  /**
   * Records an event, within the bound that the durability gives. It never throws for what is wrong with
   * the disk: that is told those who must not go on without.
   *
   * @throws {RingfenceError} `RF_USAGE` for an event that is not in the vocabulary, `RF_CLOSED`
   */
  append(event: AuditEvent): void {
    const text = textOfDraft(draft(event, Date.now()));
    this.#requireOpen();
    if (this.pending + text.length > PENDING_CHARACTERS_MAX) {
      this.#lost += 1;
      return;
    }
    this.#drafts += text;
    if (this.#drafts.length > BATCH_CHARACTERS_MAX || this.#isDue(event)) {
      this.#send(false);
    } else {
      this.#timer ??= setTimeout(
        () => {
          this.#timer = null;
          this.#send(false);
        },
        this.#durability === 'exit' ? EXIT_INTERVAL_MS : INTERVAL_MS,
      );
    }
  }

  #isDue({ kind }: AuditEvent): boolean {
    return this.#durability === 'event' || (this.#durability === 'exit' && kind === 'agent.exit');
  }

  /**
   * Records an event and resolves when it is on disk, whatever the durability: what must not happen
   * without its record happens then.
   *
   * @throws {RingfenceError} `RF_AUDIT` when it can't be written: it is not in the chain then, and will
   * not be; `RF_USAGE`, `RF_CLOSED`
   */
  async recorded(event: AuditEvent): Promise<Recorded> {
    const text = textOfDraft(draft(event, Date.now()));
    this.#requireOpen();
    // What has happened before stands before it.
    this.#send(false);
    const { last, hash } = await this.#ask({
      tag: 'write',
      id: this.#nextId(),
      drafts: text,
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
    this.#send(false);
    return await this.#ask({ tag: 'checkpoint', id: this.#nextId() });
  }

  /**
   * Hands the last checkpoint to all anchors; what became of it is recorded. Never rejects: an anchor that
   * does not take it is warned of.
   */
  anchor(): Promise<void> {
    this.#anchoring = this.#anchoring.then(() => this.#anchorNow());
    return this.#anchoring;
  }

  async #anchorNow(): Promise<void> {
    const note = this.#note;
    if (note === null || note === this.#anchored) {
      return;
    }
    this.#anchored = note;
    const size = Number(note.split('\n')[1]);
    for (const anchor of this.#anchors) {
      let problem: string | null = null;
      try {
        await anchor.put(note);
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
        this.#anchored = null;
        this.#onWarning(`the audit chain could not be anchored in '${anchor.name}': ${problem}`);
      }
      if (this.#problem?.code !== 'RF_CLOSED') {
        this.append({ kind: 'chain.anchor', payload: { anchor: anchor.name, size, problem } });
      }
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
    this.#send(false);
    const { note } = await this.#ask({ tag: 'rotate', id: this.#nextId(), key: read });
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
    await this.#ask({ tag: 'prune', id: this.#nextId(), before });
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
    await this.#ask({
      tag: 'receipt',
      id: this.#nextId(),
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
      this.#send(false);
      try {
        this.#note = (await this.#ask({ tag: 'close', id: this.#nextId() })).note;
      } catch (error) {
        this.#onWarning(error instanceof Error ? error.message : String(error));
      }
    }
    this.#problem = new RingfenceError(
      'RF_CLOSED',
      'Cannot record anything as the audit log is closed: open it again.',
    );
    process.off('exit', this.#atExit);
    if (this.#anchorTimer !== null) {
      clearInterval(this.#anchorTimer);
    }
    await this.anchor();
    await this.#worker.terminate();
  }

  #requireOpen(): void {
    if (this.#closed !== null || this.#problem?.code === 'RF_CLOSED') {
      throw (
        this.#problem ??
        new RingfenceError('RF_CLOSED', 'Cannot record anything as the audit log is closed.')
      );
    }
  }

  #nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  /** Hands on what was recorded. */
  #send(isAhead: boolean): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    if (this.#lost > 0 && this.#pending < PENDING_CHARACTERS_MAX / 2) {
      const payload = { events: this.#lost, reason: 'the disk did not take them in time' };
      this.#drafts += textOfDraft(draft({ kind: 'chain.lost', payload }, Date.now()));
      this.#lost = 0;
    }
    if (this.#drafts === '') {
      return;
    }
    const drafts = this.#drafts;
    this.#drafts = '';
    this.#ask({ tag: 'write', id: this.#nextId(), drafts, isAhead }).catch(() => {
      // What was lost with the thread is told by `problem`.
    });
  }

  #ask(asked: ToThread): Promise<Written> {
    const characters = 'drafts' in asked ? asked.drafts.length : 0;
    this.#pending += characters;
    if (this.#waiting.size === 0) {
      this.#worker.ref();
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(asked.id, { characters, resolve, reject });
      this.#worker.postMessage(asked);
    });
  }

  #hear(message: FromThread): void {
    switch (message.tag) {
      case 'done':
        this.#last = Math.max(this.#last, message.written.last);
        this.#note = message.written.note ?? this.#note;
        this.#answered(message.id)?.resolve(message.written);
        return;
      case 'refused':
        this.#answered(message.id)?.reject(toError(message.error));
        return;
      case 'failing':
        this.#problem = message.error === null ? null : toError(message.error);
        this.#onWarning(this.#problem?.message ?? 'The audit chain is written again.');
        return;
    }
  }

  #answered(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#pending -= waiting?.characters ?? 0;
    if (this.#waiting.size === 0) {
      this.#worker.unref();
    }
    return waiting;
  }

  /** The thread is gone: nobody waits for it, and nothing is recorded any more. */
  #lostThread(cause: unknown): void {
    if (this.#problem?.code === 'RF_CLOSED') {
      return;
    }
    this.#problem = new RingfenceError(
      'RF_CLOSED',
      'Cannot record anything as the thread that writes the audit chain has died: open it again.',
      {},
      { cause },
    );
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) {
      reject(this.#problem);
    }
    if (this.#closed === null) {
      this.#onWarning(this.#problem.message);
    }
  }

  /** A process that ends without closing: its last events are written while it waits. */
  #flushAtExit(): void {
    this.#send(false);
    const deadline = performance.now() + LAST_WAIT_MS;
    for (;;) {
      const done = Atomics.load(this.#committed, 0);
      const leftMs = deadline - performance.now();
      if (done >= this.#ids || leftMs <= 0 || this.#waiting.size === 0) {
        return;
      }
      Atomics.wait(this.#committed, 0, done, leftMs);
    }
  }
}

/** What the thread says first: that the chain is open, or why not. */
async function firstWord(worker: Worker): Promise<FromThread> {
  const [message] = (await once(worker, 'message')) as [FromThread];
  return message;
}

/**
 * Opens the audit log in a directory: goes on with the chain that is there, or begins one.
 *
 * @throws {RingfenceError} `RF_USAGE`, `RF_AUDIT_KEY`, `RF_AUDIT` where another process writes it or the
 * disk does not, `RF_AUDIT_INVALID` where the chain is not what was written, or not what was anchored
 *
 * @example
 * ```ts
 * await using audit = await openAudit({ directory: 'audit', key: 'audit.key' });
 * await audit.recorded({ kind: 'app.event', payload: { name: 'deployed', data: { version: 3 } } });
 * ```
 */
export async function openAudit(options: AuditOptions): Promise<AuditLog> {
  const parsed = auditOptionsSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('open the audit log', parsed.error);
  }
  const settings = parsed.data;
  const anchors = settings.anchors;
  const key =
    settings.key === undefined
      ? null
      : typeof settings.key === 'string' && !settings.key.startsWith('-----BEGIN')
        ? readAuditKey(settings.key)
        : signingKey(settings.key);
  const committed = new SharedArrayBuffer(4);
  const workerData: ThreadSettings = {
    directory: settings.directory,
    chain: randomBytes(16).toString('hex'),
    maxBytes: settings.maxBytes,
    checkpointEvents: settings.checkpointEvents,
    checkpointMs: settings.checkpointMs,
    software: settings.software,
    key,
    committed,
    anchored: await anchorNotes(anchors),
  };
  const worker = new Worker(THREAD, { workerData, name: 'ringfence-audit' });
  const opened = await firstWord(worker);
  if (opened.tag !== 'open') {
    await worker.terminate();
    throw opened.tag === 'failed-to-open'
      ? toError(opened.error)
      : new RingfenceError('RF_INTERNAL', 'The thread of the audit log said what it can not say.');
  }
  return new AuditLog(worker, opened, {
    directory: settings.directory,
    durability: settings.durability,
    anchors,
    anchorMs: settings.anchorMs,
    key,
    committed: new Int32Array(committed),
    onWarning: settings.onWarning,
  });
}
