/** What a test hears of its agent and of whoever is around it. */

import {
  type LogLine,
  type MessageInput,
  type Payload,
  type ProgramMessage,
  RingfenceError,
} from '../index.ts';
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

/** Keeps all that is heard, in order. */
export class Recorded implements Audience {
  readonly sent: SentMessage[] = [];
  readonly toolCalls: RecordedToolCall[] = [];
  readonly logs: LogLine[] = [];
  readonly warnings: string[] = [];
  readonly toProgram: PeerMail[] = [];
  readonly onElevation: NonNullable<TestAgentOptions['onElevation']>;
  readonly #program: PeerHandler | null;
  stage: Stage | null = null;

  constructor(program: PeerHandler | null, onElevation: TestAgentOptions['onElevation'] | null) {
    this.#program = program;
    this.onElevation = onElevation ?? (() => 'deny');
  }

  readonly heard = (to: string, { kind, method, payload }: PeerMail): void => {
    this.sent.push({ to, kind, method, payload });
  };

  /** For whoever looks why a request had no answer. */
  readonly failed = (error: unknown): void => {
    this.warnings.push(`an answer of the test has failed: ${String(error)}`);
  };

  readonly onLog = (line: LogLine): void => void this.logs.push(line);

  readonly onWarning = (text: string): void => void this.warnings.push(text);

  readonly onMessage = ({ from, payload, reply }: ProgramMessage): void => {
    const mail: PeerMail = {
      from,
      kind: reply === null ? 'message' : 'request',
      method: null,
      payload,
      reply: reply === null ? noRequest : (message) => answer(reply, message),
    };
    this.toProgram.push(mail);
    this.heard('program', mail);
    if (this.stage !== null) {
      void handle(mail, this.#program, this.stage.clock).catch(this.failed);
    }
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
