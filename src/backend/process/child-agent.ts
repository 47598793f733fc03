/** One agent in a process of its own, from the kernel's side: from its start until nothing of it is left. */

import { type HeldGrant, HeldGrants } from '../../capability/held.ts';
import type { ToExchange } from '../../http/exchange.ts';
import type { Mail, Signal } from '../../ipc/message.ts';
import type { HttpClient } from '../../network/http-client.ts';
import { COMMAND } from '../../resource/control-blocks.ts';
import { printable } from '../../wasm/component/prepare/sentence.ts';
import type { Frame } from '../../wasm/worker/child/frames.ts';
import type { ToChild } from '../../wasm/worker/child/messages.ts';
import type {
  BackendAgent,
  BackendEnd,
  BackendEvents,
  BackendStart,
  CallOutcome,
} from '../backend.ts';
import { Deadline } from '../deadline.ts';
import { endOfLost } from '../lost.ts';
import type { WasmModule } from '../wasm/module.ts';
import type { ChildLink } from './child-link.ts';
import { limitingCommand } from './command.ts';
import { boundsFor, confine, type ProcessBounds } from './confine.ts';
import { Deliveries } from './deliveries.ts';
import { Denials } from './denials.ts';
import { FileBroker } from './file-broker.ts';
import { ChildProtocolError, readHead } from './from-child.ts';
import type { Launched } from './launcher.ts';
import { NetworkBroker } from './network-broker.ts';
import { Requests } from './requests.ts';
import { isAct, Rest } from './rest.ts';
import { SocketBroker } from './socket-broker.ts';
import { ChildStreams } from './streams.ts';
import { type ChildParts, takeMessage } from './take-message.ts';
import { Tellings } from './tellings.ts';
import { type Passed, ProcessWatch } from './watch.ts';

/** How long the end of an agent waits for its process to be gone. */
const GONE_MS_MAX = 5_000;

/** Warnings of one process that are handed on, and characters of one. */
const WARNINGS_MAX = 16;
const WARNING_LENGTH_MAX = 600;

/** What a process is started for. */
export interface ChildAgentOptions {
  readonly start: BackendStart;
  readonly module: WasmModule;
  readonly sliceFuel: number;
  readonly client: HttpClient;
  readonly events: BackendEvents;
  readonly launched: Launched;
  onWarning(text: string): void;
  /** Its process has died by itself. Must not throw. */
  onLost?(): void;
}

/** An agent, and the process that is there for it alone: they end together. */
export class ChildAgent implements BackendAgent {
  readonly #options: ChildAgentOptions;
  readonly #start: BackendStart;
  readonly #link: ChildLink;
  readonly #held: HeldGrants;
  readonly #parts: ChildParts;
  readonly #rest: Rest;
  readonly #deadline: Deadline;
  #watch: ProcessWatch | null = null;
  #warnings = 0;
  /** Said of requests before its process runs: of one request, whose body nobody has asked for. */
  readonly #early: ToExchange[] = [];
  #begun = false;
  #ended = false;

  constructor(options: ChildAgentOptions) {
    const { start, events, launched } = options;
    const { pid, limits, block } = start;
    this.#options = options;
    this.#start = start;
    this.#link = launched.link;
    this.#held = new HeldGrants(block, start.grants);
    const denials = new Denials((...denial) => events.denied(...denial));
    const send = (message: ToChild): void => this.#send(message);
    this.#parts = {
      start,
      events,
      files: new FileBroker(
        { pid, limits, block, grants: this.#held, noteDisk: () => events.counted() },
        start.mounts,
      ),
      network: new NetworkBroker(options.client, {
        grants: this.#held,
        block,
        denials,
        traceparent: start.traceparent,
        tell: (say) => send({ kind: 'network', pid, say }),
      }),
      sockets: new SocketBroker(options.client, {
        grants: this.#held,
        limits,
        block,
        denials,
      }),
      denials,
      requests: new Requests(
        start,
        events,
        this.#held,
        denials,
        () => this.#parts.deliveries.keptSignals,
        (id, outcome) => send({ kind: 'settled', pid, id, outcome }),
      ),
      streams: new ChildStreams(pid, events, send),
      deliveries: new Deliveries({
        pid,
        hostBytes: limits.hostBytes,
        send,
        mayReceive: () => {
          if (block.isSuspended) {
            return false;
          }
          this.#held.look();
          return this.#held.first('ipc') !== null;
        },
        silent: () => this.#finish(killed('its process did not take its mail')),
      }),
      tellings: new Tellings(),
      send,
      warn: (text) => this.#warn(text),
      finish: (end) => this.#finish(end),
    };
    this.#rest = new Rest({
      pid,
      tellings: this.#parts.tellings,
      watch: () => this.#watch,
      send,
      silent: () => this.#finish(killed('its process did not stop when it was suspended')),
    });
    this.#deadline = new Deadline(() => {
      // It counts as ended by its timeout, unless it was to be ended before.
      block.request(COMMAND.timeout);
      this.#lost('its process did not answer');
    });
    if (limits.wallTimeMs !== 0) {
      this.#deadline.set(start.spawnedAtMs + limits.wallTimeMs);
    }
    this.#link.listen({
      frame: (frame) => this.#take(frame),
      broken: (what) => this.#broke(what),
      gone: () => this.#died(),
    });
    this.#begin().catch((error: unknown) => this.#failed(error));
  }

  command(message: string): void {
    if (this.#ended) {
      // Its process is on its way out. A deadline would outlive it, and by then its control block may
      // be another agent's.
      return;
    }
    if (!this.#begun) {
      // Nothing of it has run: there is nobody to ask.
      this.#lost(message);
      return;
    }
    this.#send({ kind: 'command', command: this.#start.block.command, message });
    this.#deadline.setNow();
  }

  answers(): Promise<void> {
    // How long it may take is the business of who asks.
    return this.#parts.tellings.tell((id) => this.#send({ kind: 'asked', id }));
  }

  reap(): void {
    this.#lost('its process did not answer');
  }

  /**
   * Its process has to say that it has heard it, and to be at rest from then on: whatever a guest has
   * made of it, it does not go on. Its mail stays here meanwhile.
   */
  suspended(): void {
    if (!this.#ended) {
      this.#parts.deliveries.changed();
      this.#rest.begin();
    }
  }

  resumed(): void {
    if (!this.#ended) {
      this.#rest.end();
      this.#parts.deliveries.changed();
    }
  }

  deliver(mail: Mail, waitMs: number | null, signal?: AbortSignal): Promise<CallOutcome<number>> {
    return this.#parts.deliveries.deliver(mail, waitMs, signal);
  }

  signal(signal: Signal): void {
    this.#parts.deliveries.signal(signal);
  }

  /** Before its process runs nothing can be said to it: the first request waits for that. */
  exchange(say: ToExchange): void {
    if (this.#begun) {
      this.#send({ kind: 'exchange', pid: this.#start.pid, say });
    } else {
      this.#early.push(say);
    }
  }

  granted(grant: HeldGrant): void {
    this.#held.add(grant);
    this.#parts.sockets.granted(grant);
    if (this.#begun) {
      this.#send({ kind: 'grant', pid: this.#start.pid, grant: withoutHostPath(grant) });
    }
    this.#parts.deliveries.changed();
  }

  /**
   * What leaves the process is refused from now on. That its clocks and random numbers are, too, its
   * own gate sees to: it is waited for, and a process that does not answer is ended.
   */
  async revoked(): Promise<void> {
    this.#parts.requests.revoked();
    this.#parts.network.revoked();
    this.#parts.sockets.look();
    this.#parts.deliveries.changed();
    if (!this.#begun || this.#ended) {
      return;
    }
    await this.#parts.tellings.tell(
      (id) => this.#send({ kind: 'revoked', id, indexes: this.#revokedIndexes() }),
      () => this.#finish(killed('its process did not take a revocation')),
    );
  }

  // ── its start ───────────────────────────────────────────────────────────────────────────────────

  async #begin(): Promise<void> {
    const { module, sliceFuel } = this.#options;
    const systemPid = (await this.#link.ready) ? await this.#link.systemPid : null;
    if (this.#ended) {
      return;
    }
    const {
      limits,
      block,
      moduleDigest: _digest,
      isolation: _isolation,
      mounts: _mounts,
      ...rest
    } = this.#start;
    const bounds = boundsFor(limits, module);
    if (systemPid === null || !(await this.#confined(systemPid, bounds))) {
      this.#finish(failed('the limits of its process could not be set'));
    }
    if (this.#ended) {
      return;
    }
    this.#begun = true;
    const grants = Object.values(this.#held.of).flat().map(withoutHostPath);
    this.#send({
      kind: 'begin',
      plan: module.plan,
      modules: module.modules,
      // Its requests are sent from here, so it need not know its place in a trace.
      agent: {
        ...rest,
        limits,
        grants,
        mounts: [],
        slot: 0,
        digest: module.digest,
        traceparent: null,
      },
      preopens: this.#parts.files.preopens,
      sliceFuel,
      revoked: this.#revokedIndexes(),
    });
    this.#parts.deliveries.open();
    for (const say of this.#early.splice(0)) {
      this.exchange(say);
    }
  }

  /** Has the system limit it, and watches it from now on. */
  async #confined(systemPid: number, bounds: ProcessBounds): Promise<boolean> {
    const { plan } = this.#options.launched;
    this.#watch = new ProcessWatch(systemPid, bounds, (what) => this.#passed(what));
    const limiting = limitingCommand(plan);
    return limiting === null || confine(limiting, systemPid, bounds, plan.bwrap !== null);
  }

  #revokedIndexes(): number[] {
    return Object.values(this.#held.of)
      .flat()
      .filter(({ index }) => this.#start.block.isGrantRevoked(index))
      .map(({ index }) => index);
  }

  #send(message: ToChild): void {
    if (!this.#ended) {
      this.#link.send(message);
    }
  }

  // ── what it says ────────────────────────────────────────────────────────────────────────────────

  #take(frame: Frame): void {
    if (this.#ended) {
      return;
    }
    try {
      const head = readHead(frame);
      if (!this.#begun && head.kind !== 'warning') {
        throw new ChildProtocolError('it says something before it was asked');
      }
      if (this.#rest.isBrokenBy(head)) {
        throw new ChildProtocolError('it asks for something while its agent is suspended');
      }
      if (!isAct(head) || this.#mayAct()) {
        takeMessage(this.#parts, head, frame.body);
      }
    } catch (error) {
      if (error instanceof ChildProtocolError) {
        this.#broke(error.message);
      } else {
        this.#failed(error);
      }
    }
  }

  /** An honest one has ended by then; another has its last words, and does nothing more until it is ended. */
  #mayAct(): boolean {
    const { block, limits, spawnedAtMs } = this.#start;
    const isLate =
      limits.wallTimeMs !== 0 &&
      performance.timeOrigin + performance.now() > spawnedAtMs + limits.wallTimeMs;
    return block.command === COMMAND.none && !isLate;
  }

  #warn(text: string): void {
    this.#warnings += 1;
    if (this.#warnings <= WARNINGS_MAX) {
      this.#options.onWarning(printable(text, WARNING_LENGTH_MAX));
    }
  }

  // ── its end ─────────────────────────────────────────────────────────────────────────────────────

  #broke(what: string): void {
    this.#warn(`the process of pid ${this.#start.pid} broke the protocol: ${what}`);
    this.#finish(killed('its process broke the protocol'));
  }

  /** What went wrong is ours, and no fault of its process. */
  #failed(error: unknown): void {
    this.#warn(`the host of pid ${this.#start.pid} failed: ${String(error)}`);
    this.#finish(failed('ringfence failed while it ran the agent'));
  }

  #passed(what: Passed): void {
    this.#finish(ENDS[what]);
  }

  /** A guest with a heap can fill it, and V8 ends the process then: no other attempt fares better. */
  #died(): void {
    if (!this.#ended && this.#start.block.command === COMMAND.none) {
      this.#options.onLost?.();
    }
    if (this.#options.module.plan.features.gc && this.#start.block.command === COMMAND.none) {
      this.#finish(
        killed('its process died, most likely of the structures and arrays that it made'),
      );
      return;
    }
    this.#lost('its process died: it may be tried again');
  }

  #lost(message: string): void {
    this.#finish(endOfLost(this.#start.block, message));
  }

  /** Ends the process, and tells of the agent's end when nothing is left of it. */
  #finish(end: BackendEnd): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    this.#deadline.clear();
    this.#watch?.stop();
    this.#parts.requests.close();
    this.#parts.files.close();
    this.#parts.network.close();
    this.#parts.sockets.close();
    const undelivered = this.#parts.deliveries.close();
    this.#parts.tellings.close();
    this.#link.kill();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, GONE_MS_MAX);
    void Promise.race([this.#link.gone, late.promise]).then(() => {
      clearTimeout(timer);
      this.#options.events.exited({ ...end, undelivered });
    });
  }
}

const killed = (message: string): BackendEnd => ({
  code: -1,
  reason: 'killed',
  message,
  undelivered: [],
  lost: 0,
});

const ENDS: Readonly<Record<Passed, BackendEnd>> = {
  memory: killed('its process took more memory than it may'),
  cpu_time: { ...killed('its process took more CPU time than it may'), reason: 'cpu_time' },
  rest: killed('its process went on while it was suspended'),
};

const failed = (message: string): BackendEnd => ({ ...killed(message), reason: 'internal' });

/** The process has no use for where a directory is on this machine. */
function withoutHostPath(grant: HeldGrant): HeldGrant {
  if (grant.kind !== 'files') {
    return grant;
  }
  const { scope } = grant as HeldGrant<'files'>;
  return { ...grant, scope: { ...scope, source: { kind: 'memory' } } };
}
