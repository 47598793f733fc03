/**
 * Answers one agent's host calls out of a recording, as long as they are those that were recorded. Nothing
 * that it does reaches anything: there is no host behind it.
 */

import { RingfenceError } from '../../../errors.ts';
import { type CallEntry, EntryReader } from '../../../recording/entries.ts';
import type {
  KeptEnd,
  KeptOutput,
  ReplayDifference,
  ReplayEnd,
  ReplayStart,
} from '../../../recording/kept.ts';
import { describeArguments } from '../../../recording/trace.ts';
import { damaged, StandIn, ValueWriter } from '../../../recording/values.ts';
import { FUEL_STRIDE } from '../../metering/costs.ts';
import { exitedWith } from '../ends.ts';
import type { StreamName } from '../protocol.ts';
import { OutputHashes } from './output-hashes.ts';

/** How the call of an agent goes on. */
export type Replayed =
  | { readonly tag: 'answer'; readonly answer: unknown }
  /** It ended in this call, or (`atStop`) was ended from outside before it. */
  | { readonly tag: 'end'; readonly end: KeptEnd; readonly atStop: boolean }
  /** The recording stops here, or this is not what was recorded. */
  | { readonly tag: 'stop'; readonly message: string };

/** Functions that write to a stream what they are given. */
const WRITES = new Set([
  'wasi:io/streams#[method]output-stream.write',
  'wasi:io/streams#[method]output-stream.blocking-write-and-flush',
]);
const WRITE_ZEROES = new Set([
  'wasi:io/streams#[method]output-stream.write-zeroes',
  'wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush',
]);
/** What these write stands in no argument. */
const SPLICES = new Set([
  'wasi:io/streams#[method]output-stream.splice',
  'wasi:io/streams#[method]output-stream.blocking-splice',
]);

/** How an agent ends that calls this to end itself; null: it does not. */
function endOfExit(name: string, [status]: readonly unknown[]): KeptEnd | null {
  switch (name) {
    case 'wasi:cli/exit#exit':
      return exitedWith((status as { readonly tag?: unknown }).tag === 'ok' ? 0 : 1);
    case 'wasi:cli/exit#exit-with-code':
      return exitedWith(Number(status));
    default:
      return null;
  }
}

/** Whether an agent can end so in a call by which it ends itself (`own`), or in another one (null). */
function endsSo(own: KeptEnd | null, end: KeptEnd): boolean {
  switch (end.reason) {
    case 'normal':
    case 'error':
      return own !== null && own.code === end.code && own.message === end.message;
    case 'trap':
      return own === null;
    default:
      return true;
  }
}

const DIFFERS = 'it did something else than was recorded';
const STOPS = 'the recording stops here';

/** Zeroes, for who writes some: no call of the host's writes more at a time. */
const ZEROES = new Uint8Array(64 * 1024);

/** The replay of one agent. */
export class Replayer {
  readonly #start: ReplayStart;
  readonly #entries: EntryReader;
  readonly #arguments = new ValueWriter();
  readonly #outputs = new OutputHashes();
  /** Streams of which not all bytes are known. */
  readonly #unknown = new Set<StreamName>();
  #calls = 0;
  #growths = 0;
  #difference: ReplayDifference | null = null;
  #stopped = false;

  constructor(start: ReplayStart) {
    this.#start = start;
    this.#entries = new EntryReader(start.entries);
  }

  /**
   * Where it is stopped, in units used: where it was ended from outside; otherwise so far behind the end that
   * it has missed that. What a trap is told to have used may be up to a stride less than it had; who used up
   * its fuel may have passed its limit by much, and does so again.
   */
  get stopsAtFuel(): number {
    const { end, endedOutside, fuel } = this.#start;
    if (end?.reason === 'fuel') {
      return Number.POSITIVE_INFINITY;
    }
    return end !== null && endedOutside ? fuel : fuel + 2 * FUEL_STRIDE;
  }

  /**
   * Whether something is recorded that it does behind a question at its stop: what a piece of code costs is
   * charged before it, so the last call may come at the same unit, and the end while that was answered.
   */
  hasMoreAt(used: number): boolean {
    const next = this.#start.endedOutside ? this.#nextOrDamaged() : null;
    const at = next?.kind === 'call' ? next.fuel : this.#start.fuel;
    return next !== null && at >= used;
  }

  /** It has come to where it is stopped: how it ends. */
  stopped(fuel: number): { readonly end: KeptEnd } | { readonly message: string } {
    const { end, endedOutside } = this.#start;
    // Nothing is thrown where the guest's own code asks: it could catch that.
    const next = this.#nextOrDamaged();
    if (end !== null && endedOutside && next === null) {
      this.#stopped = true;
      return { end };
    }
    if (end === null && next === null) {
      this.#stopped = true;
      return { message: STOPS };
    }
    this.#differs({
      call: null,
      function: null,
      what: next === null ? 'end' : 'calls',
      recorded: next === null ? `its end: ${end?.reason}` : this.#nextInWords(next),
      found: 'it goes on',
      fuel,
    });
    return { message: DIFFERS };
  }

  readonly #idOf = (object: object): number => {
    if (object instanceof StandIn) {
      return object.id;
    }
    throw new Error('a host call is given an object that no recording has made');
  };

  /** The agent calls a host function, having used `fuel`. */
  called(name: string, fuel: number, args: readonly unknown[]): Replayed {
    try {
      return this.#answer(name, fuel, args);
    } catch (error) {
      if (!(error instanceof RingfenceError)) {
        throw error;
      }
      this.#differs({
        call: this.#calls + 1,
        function: name,
        what: 'entry',
        recorded: error.message,
        found: name,
        fuel,
      });
      return { tag: 'stop', message: DIFFERS };
    }
  }

  #answer(name: string, fuel: number, args: readonly unknown[]): Replayed {
    const entry = this.#next();
    if (entry === null && this.#start.end === null) {
      this.#stopped = true;
      return { tag: 'stop', message: STOPS };
    }
    const { end, endedOutside } = this.#start;
    if (entry === null && end !== null && endedOutside && fuel >= this.#start.fuel) {
      this.#stopped = true;
      // It may have been ended while it waited in this one, having written something.
      this.#noteOutput(name, args, null);
      return { tag: 'end', end, atStop: true };
    }
    if (entry === null || entry.kind === 'refused') {
      return this.#unlike(name, fuel, entry === null ? 'calls' : 'entry', {
        recorded: this.#nextInWords(entry),
        found: `a call of ${name}`,
      });
    }
    if (entry.function !== name) {
      return this.#unlike(name, fuel, 'function', { recorded: entry.function, found: name });
    }
    this.#arguments.rewind(0);
    for (const argument of args) {
      this.#arguments.value(argument, this.#idOf, true);
    }
    const given = this.#arguments.written;
    if (Buffer.compare(entry.arguments, given) !== 0) {
      return this.#unlike(name, fuel, 'arguments', {
        recorded: describeArguments(entry.arguments),
        found: describeArguments(given),
      });
    }
    if (entry.fuel !== fuel) {
      return this.#unlike(name, fuel, 'fuel', {
        recorded: String(entry.fuel),
        found: String(fuel),
      });
    }
    return this.#agreed(entry, args);
  }

  #agreed(entry: CallEntry, args: readonly unknown[]): Replayed {
    if (entry.kind === 'last') {
      return this.#agreedLast(entry, args);
    }
    this.#calls += 1;
    const answer = this.#entries.takeAnswer();
    this.#noteOutput(entry.function, args, answer);
    return { tag: 'answer', answer };
  }

  #agreedLast(entry: CallEntry, args: readonly unknown[]): Replayed {
    const { end } = this.#start;
    if (end === null) {
      throw damaged('it ends in a call and does not say how');
    }
    const own = endOfExit(entry.function, args);
    if (!endsSo(own, end)) {
      return this.#unlike(entry.function, entry.fuel, 'end', {
        recorded: `it ended here: ${end.reason} (${end.code})`,
        found: own === null ? 'a call that ends nobody so' : `${own.reason} (${own.code})`,
      });
    }
    this.#calls += 1;
    this.#entries.take();
    this.#noteOutput(entry.function, args, null);
    return { tag: 'end', end, atStop: false };
  }

  #next(): ReturnType<EntryReader['peek']> {
    return this.#entries.peek();
  }

  #nextInWords(entry: ReturnType<EntryReader['peek']>): string {
    switch (entry?.kind) {
      case undefined:
        return `its end: ${this.#start.end?.reason}`;
      case 'refused':
        return 'memory that was refused';
      default:
        return `a call of ${entry?.function}`;
    }
  }

  /** Bytes that it has written, where the write has succeeded. */
  #noteOutput(name: string, args: readonly unknown[], answer: unknown): void {
    const [self, given] = args;
    const stream = self instanceof StandIn ? self.stream : null;
    if (stream === null) {
      return;
    }
    const succeeded = (answer as { readonly tag?: unknown } | null)?.tag === 'ok';
    if (WRITES.has(name) && given instanceof Uint8Array) {
      if (succeeded) {
        this.#outputs.add(stream, given);
      } else {
        this.#unknown.add(stream);
      }
    } else if (WRITE_ZEROES.has(name) && succeeded && Number(given) <= ZEROES.length) {
      this.#outputs.add(stream, ZEROES.subarray(0, Number(given)));
    } else if (WRITE_ZEROES.has(name) || SPLICES.has(name)) {
      this.#unknown.add(stream);
    }
  }

  /** It asks for memory; true: it was refused. */
  growthRefused(): boolean {
    this.#growths += 1;
    const entry = this.#nextOrDamaged();
    if (entry?.kind !== 'refused' || entry.growth !== this.#growths) {
      return false;
    }
    this.#entries.take();
    return true;
  }

  /** What is damaged is said at the next call. */
  #nextOrDamaged(): ReturnType<EntryReader['peek']> {
    try {
      return this.#entries.peek();
    } catch {
      return null;
    }
  }

  /** Memory that it got can't be had here; where the recording stops, nobody knows whether it got it. */
  memoryMissing(fuel: number): void {
    if (this.#start.end === null && this.#nextOrDamaged() === null) {
      return;
    }
    this.#differs({
      call: null,
      function: null,
      what: 'memory',
      recorded: 'memory that it got',
      found: 'there is no room for it here',
      fuel,
    });
  }

  /** What the host answered does not have the type that its function says. */
  unfit(fuel: number): void {
    this.#differs({
      call: this.#calls,
      function: null,
      what: 'answer',
      recorded: 'an answer that is not of its function',
      found: 'one that is',
      fuel,
    });
  }

  #unlike(
    name: string,
    fuel: number,
    what: ReplayDifference['what'],
    { recorded, found }: { readonly recorded: string; readonly found: string },
  ): Replayed {
    this.#differs({ call: this.#calls + 1, function: name, what, recorded, found, fuel });
    return { tag: 'stop', message: DIFFERS };
  }

  /** The first counts. */
  #differs(difference: ReplayDifference): void {
    this.#difference ??= difference;
  }

  /** All is said; `end`: how it has ended here. */
  finish(end: KeptEnd, fuel: number): ReplayEnd {
    const next = this.#nextOrDamaged();
    if (this.#difference === null && next !== null && !this.#stopped) {
      this.#differs({
        call: this.#calls + 1,
        function: null,
        what: 'calls',
        recorded: this.#nextInWords(next),
        found: `its end: ${end.reason}`,
        fuel,
      });
    }
    return {
      mode: 'replay',
      calls: this.#calls,
      difference: this.#difference,
      stopped: this.#stopped,
      stdout: this.#output('stdout'),
      stderr: this.#output('stderr'),
    };
  }

  #output(stream: StreamName): KeptOutput | null {
    return this.#unknown.has(stream) ? null : this.#outputs.of(stream);
  }
}
