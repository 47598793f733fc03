/** What a test hears of its agent and of whoever is around it. */

import {
  type LogLine,
  type MessageInput,
  type Payload,
  type ProgramMessage,
  RingfenceError,
} from '../index.ts';
import { Failures, isAssertion } from './failures.ts';
import type { TestAgentOptions } from './options.ts';
import { handle, noRequest, type PeerHandler, type PeerMail } from './peers.ts';
import type { Audience, Stage } from './stage.ts';
import type { RecordedToolCall } from './tools.ts';

/** A message that went out of the agent, and whom to. */
export interface SentMessage {
  /** `'program'`, or the name of a peer. */
  readonly to: string;
  readonly kind: 'message' | 'request';
  readonly method: string | null;
  readonly payload: Payload;
}

/** Records that a test has at most, and their payloads, arguments and lines together: a guest may flood it. */
const RECORDS_MAX = 10_000;
const RECORDS_BYTES_MAX = 64 * 2 ** 20;

/** Keeps what is heard, in order. */
export class Recorded implements Audience {
  readonly failures = new Failures();
  readonly sent: SentMessage[] = [];
  readonly toolCalls: RecordedToolCall[] = [];
  readonly logs: LogLine[] = [];
  readonly warnings: string[] = [];
  readonly toProgram: PeerMail[] = [];
  readonly onElevation: NonNullable<TestAgentOptions['onElevation']>;
  readonly #program: PeerHandler | null;
  stage: Stage | null = null;
  /** What came when it had kept as much as it may. */
  unrecorded = 0;
  #kept = 0;
  #keptBytes = 0;

  constructor(program: PeerHandler | null, onElevation: TestAgentOptions['onElevation'] | null) {
    this.#program = program;
    const decide = onElevation ?? (() => 'deny');
    this.onElevation = async (request) => {
      try {
        return await decide(request);
      } catch (error) {
        if (isAssertion(error)) this.failed(error);
        throw error;
      }
    };
  }

  /** Keeps a record, where there is room; its size is that of what the guest has sent. */
  readonly keep = <Item>(list: Item[], item: Item, sent: string | Uint8Array): void => {
    const bytes = typeof sent === 'string' ? 2 * sent.length : sent.length;
    if (this.#kept >= RECORDS_MAX || this.#keptBytes + bytes > RECORDS_BYTES_MAX) {
      this.unrecorded += 1;
      return;
    }
    this.#kept += 1;
    this.#keptBytes += bytes;
    list.push(item);
  };

  readonly heard = (to: string, { kind, method, payload }: PeerMail): void => {
    this.keep(this.sent, { to, kind, method, payload }, payload.val);
  };

  /** A handler of the test has thrown: so does the test. */
  readonly failed = (error: unknown): void => {
    if (!this.failures.add(error)) this.onWarning(`a handler of the test has thrown: ${error}`);
  };

  /** For whoever looks why a request had no answer: who has asked waits no more. */
  readonly unanswered = (error: unknown): void => {
    this.onWarning(`an answer of the test has failed: ${error}`);
  };

  readonly onLog = (line: LogLine): void => this.keep(this.logs, line, line.message);

  readonly onWarning = (text: string): void => this.keep(this.warnings, text, text);

  readonly onMessage = ({ from, payload, reply }: ProgramMessage): void => {
    const mail: PeerMail = {
      from,
      kind: reply === null ? 'message' : 'request',
      method: null,
      payload,
      reply: reply === null ? noRequest : (message) => answer(reply, message),
    };
    this.keep(this.toProgram, mail, payload.val);
    this.heard('program', mail);
    if (this.stage !== null) void handle(mail, this.#program, this.stage.clock, this);
  };
}

async function answer(
  reply: NonNullable<ProgramMessage['reply']>,
  message: MessageInput,
): Promise<void> {
  const outcome = await reply(payloadOf(message));
  if (outcome.tag === 'err') {
    throw new RingfenceError('RF_CLOSED', `Cannot reply: ${outcome.message}.`);
  }
}

function payloadOf(message: MessageInput): Payload {
  if (typeof message === 'string') return { tag: 'text', val: message };
  return message instanceof Uint8Array ? { tag: 'binary', val: message } : message;
}
