/** One request on a connection: its body goes out, its response comes in, both within time and size. */

import type { Dispatcher } from 'undici';
import {
  areTooManyFields,
  BODY_WINDOW_BYTES,
  FIELD_COUNT_MAX,
  type Field,
} from '../http/exchange.ts';
import { declaredLength } from '../http/length.ts';
import type { EchoWatch } from './echo.ts';
import type { NetworkFailure } from './exchange.ts';
import { ECHO, FailedTransfer, failureOf } from './failure.ts';
import type { NetworkLimits } from './settings.ts';

/** What of a response has come. */
export type Piece =
  | { readonly bytes: Uint8Array }
  | { readonly trailers: readonly Field[] }
  | { readonly failure: NetworkFailure };

/** A response's head, or why there is none. */
export type ResponseHead =
  | { readonly status: number; readonly fields: readonly Field[] }
  | { readonly failure: NetworkFailure };

/** How long a transfer waits. */
export type TransferTimes = Pick<NetworkLimits, 'connectMs' | 'firstByteMs' | 'betweenBytesMs'>;

/** One transfer. */
export interface TransferOptions {
  readonly method: string;
  readonly times: TransferTimes;
  /** The most bytes of the response's body. */
  readonly bytesMax: number;
  /** Looks for secrets in the response; null: none was sent. */
  readonly watch: EchoWatch | null;
}

type RawFields = Dispatcher.DispatchController['rawHeaders'];

/** Fields as they came, names in lower case; null: more than anybody needs. */
function fieldsOf(raw: RawFields): Field[] | null {
  const fields: Field[] = [];
  const add = (name: unknown, value: unknown): void => {
    fields.push([latin1(name).toLowerCase(), latin1(value)]);
  };
  if (Array.isArray(raw)) {
    if (raw.length / 2 > FIELD_COUNT_MAX) {
      return null;
    }
    for (let index = 0; index + 1 < raw.length; index += 2) {
      add(raw[index], raw[index + 1]);
    }
  } else {
    for (const [name, value] of Object.entries(raw ?? {})) {
      for (const each of Array.isArray(value) ? value : [value]) {
        add(name, each);
      }
    }
  }
  return areTooManyFields(fields) ? null : fields;
}

const latin1 = (text: unknown): string =>
  text instanceof Uint8Array ? Buffer.from(text).toString('latin1') : String(text);

/** A request that was sent, and its response as it comes: asked piece by piece, paused in between. */
export class Transfer implements Dispatcher.DispatchHandler {
  readonly #times: TransferTimes;
  readonly #bytesMax: number;
  readonly #isHead: boolean;
  readonly #watch: EchoWatch | null;
  /** Bytes that the response's head has declared; null: it has not, or there is no body. */
  #declared: number | null = null;
  readonly #head = Promise.withResolvers<ResponseHead>();
  readonly #chunks: Uint8Array[] = [];
  #controller: Dispatcher.DispatchController | null = null;
  #received = 0;
  #end: Exclude<Piece, { bytes: Uint8Array }> | null = null;
  #begun = false;
  #waiting: ((piece: Piece) => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #over = Promise.withResolvers<void>();

  constructor({ method, times, bytesMax, watch }: TransferOptions) {
    this.#isHead = method === 'HEAD';
    this.#watch = watch;
    this.#times = times;
    this.#bytesMax = bytesMax;
    this.#expect(times.connectMs, 'connection-timeout');
  }

  /** Resolves when nothing of it is under way any more. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** The response's head, as soon as it is there. */
  get head(): Promise<ResponseHead> {
    return this.#head.promise;
  }

  /** The next piece of the body, of no more than the window's size; at its end the same again. */
  next(): Promise<Piece> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      if (chunk.length > BODY_WINDOW_BYTES) {
        this.#chunks.unshift(chunk.subarray(BODY_WINDOW_BYTES));
      }
      return Promise.resolve({ bytes: chunk.subarray(0, BODY_WINDOW_BYTES) });
    }
    if (this.#end !== null) {
      return Promise.resolve(this.#end);
    }
    this.#expect(this.#times.betweenBytesMs, 'connection-read-timeout');
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#controller?.resume();
    });
  }

  /** The server has taken a piece of the request's body. */
  bodyTaken(): void {
    if (!this.#begun) {
      this.#expect(this.#times.firstByteMs, 'HTTP-response-timeout');
    }
  }

  /** Gives it up, and says why. */
  fail(failure: NetworkFailure): void {
    if (this.#finish({ failure })) {
      // Nobody is to have what has come of it.
      this.#chunks.length = 0;
      this.#controller?.abort(new FailedTransfer(failure));
    }
  }

  #expect(
    ms: number,
    otherwise: 'connection-timeout' | 'HTTP-response-timeout' | 'connection-read-timeout',
  ): void {
    this.#stopTimer();
    if (this.#end === null) {
      this.#timer = setTimeout(() => this.fail({ tag: otherwise }), ms);
    }
  }

  #stopTimer(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }

  #finish(end: Exclude<Piece, { bytes: Uint8Array }>): boolean {
    if (this.#end !== null) {
      return false;
    }
    this.#end = end;
    this.#stopTimer();
    if ('failure' in end) {
      this.#head.resolve({ failure: end.failure });
    }
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(end);
    this.#over.resolve();
    return true;
  }

  // ── what undici says ────────────────────────────────────────────────────────────────────────────

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#end !== null) {
      const failure: NetworkFailure =
        'failure' in this.#end ? this.#end.failure : { tag: 'connection-terminated' };
      controller.abort(new FailedTransfer(failure));
      return;
    }
    this.#expect(this.#times.firstByteMs, 'HTTP-response-timeout');
  }

  onRequestUpgrade(controller: Dispatcher.DispatchController): void {
    this.fail({ tag: 'HTTP-upgrade-failed' });
    controller.abort(new FailedTransfer({ tag: 'HTTP-upgrade-failed' }));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) {
      return;
    }
    const fields = fieldsOf(controller.rawHeaders);
    if (fields === null) {
      this.fail({ tag: 'HTTP-response-header-section-size', val: undefined });
      return;
    }
    const declared = declaredLength(fields);
    if (declared === undefined) {
      // Where a body ends is not to be guessed: what is behind it would be another's.
      this.fail({ tag: 'HTTP-protocol-error' });
      return;
    }
    if (this.#watch !== null && this.#isHidden(fields)) {
      return;
    }
    this.#declared = this.#isHead || status === 304 ? null : declared;
    this.#begun = true;
    this.#stopTimer();
    this.#head.resolve({ status, fields });
    // Until somebody asks for the body.
    controller.pause();
  }

  /** Whether a secret is in the head, or could be in a body that is coded: it has failed then. */
  #isHidden(fields: readonly Field[]): boolean {
    const isCoded = fields.some(
      ([name, value]) =>
        (name === 'content-encoding' && !/^(identity|)$/i.test(value.trim())) ||
        (name === 'transfer-encoding' && !/^(chunked|identity)$/i.test(value.trim())),
    );
    if (this.#watch?.isIn(fields)) {
      this.fail(ECHO);
      return true;
    }
    if (isCoded) {
      this.fail({ tag: 'HTTP-response-content-coding', val: undefined });
      return true;
    }
    return false;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#received += chunk.length;
    if (this.#received > this.#bytesMax) {
      this.fail({ tag: 'HTTP-response-body-size', val: undefined });
      return;
    }
    if (this.#end !== null) {
      return;
    }
    const passed = this.#watch === null ? chunk : this.#watch.pass(chunk);
    if (passed === null) {
      this.fail(ECHO);
      return;
    }
    if (passed.length === 0) {
      return;
    }
    const waiting = this.#waiting;
    this.#chunks.push(passed.slice());
    if (waiting !== null) {
      this.#waiting = null;
      this.#stopTimer();
      void this.next().then(waiting);
    }
    controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#declared !== null && this.#received < this.#declared) {
      // HTTP/2 can end a stream early without an error.
      this.#finish({ failure: { tag: 'HTTP-response-incomplete' } });
      return;
    }
    const trailers = fieldsOf(controller.rawTrailers);
    if (trailers !== null && this.#watch?.isIn(trailers)) {
      this.fail(ECHO);
      return;
    }
    const rest = this.#watch?.rest();
    if (rest !== undefined && rest.length > 0) {
      this.#chunks.push(rest.slice());
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting !== null) {
        void this.next().then(waiting);
      }
    }
    this.#finish(
      trailers === null
        ? { failure: { tag: 'HTTP-response-trailer-section-size', val: undefined } }
        : { trailers },
    );
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish({
      failure: error instanceof FailedTransfer ? error.failure : failureOf(error, this.#begun),
    });
  }
}
