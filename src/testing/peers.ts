/** Who an agent under test talks to: other agents of its kernel, in the hands of the test. */

import {
  type Kernel,
  type MessageInput,
  type NativeAgent,
  type Payload,
  type Pid,
  type Received,
  RingfenceError,
  type VirtualClock,
  type WorkContext,
} from '../index.ts';

/** A message as JSON: `json({ city: 'Ulm' })`. */
export const json = (value: unknown): Payload => ({ tag: 'json', val: JSON.stringify(value) });

/** A message or a request that an agent has sent. */
export interface PeerMail {
  /** Who has sent it. */
  readonly from: Pid;
  readonly kind: 'message' | 'request';
  /** The method of the service that a request names; null: none. */
  readonly method: string | null;
  readonly payload: Payload;
  /**
   * Answers it, where it is a request that nobody has answered.
   *
   * @throws {RingfenceError} `RF_USAGE` for what is no request; `RF_CLOSED` where nobody waits for it (any more)
   */
  reply(message: MessageInput): Promise<void>;
}

/** What a request is answered by; undefined: the test does it later, by {@link PeerMail.reply}. */
export type PeerAnswer = MessageInput | undefined;

/** Answers requests, and hears of messages. */
export type PeerHandler = (mail: PeerMail) => PeerAnswer | Promise<PeerAnswer>;

/** Who is told where a message is not handled as the test wants. */
export interface HandlerOutcome {
  /** The handler has thrown. */
  failed(error: unknown): void;
  /** Its answer has reached nobody. */
  unanswered(error: unknown): void;
}

/** Hears each message, and replies to each request that its handler has an answer for. Throws nothing. */
export async function handle(
  mail: PeerMail,
  handler: PeerHandler | null,
  clock: VirtualClock,
  { failed, unanswered }: HandlerOutcome,
): Promise<void> {
  if (handler === null) return;
  await clock.whileWaiting(
    (async () => {
      let answer: PeerAnswer;
      try {
        answer = await handler(mail);
      } catch (error) {
        failed(error);
        return;
      }
      if (answer === undefined || mail.kind !== 'request') return;
      await mail.reply(answer).catch(unanswered);
    })(),
  );
}

/** An agent that the test speaks for. Messages reach it, and go out from it, as any other agent's do. */
export class Peer {
  readonly name: string;
  readonly #agent: NativeAgent;
  readonly #context: WorkContext;
  readonly #received: PeerMail[];

  /** Made for {@link TestAgentOptions.peers}. */
  constructor(name: string, agent: NativeAgent, context: WorkContext, received: PeerMail[]) {
    this.name = name;
    this.#agent = agent;
    this.#context = context;
    this.#received = received;
  }

  get pid(): Pid {
    return this.#agent.pid;
  }

  /** All that it has received, in order. */
  get received(): readonly PeerMail[] {
    return this.#received;
  }

  /** Sends a message. @throws {RingfenceError} as {@link WorkContext.send} */
  send(to: Pid, message: MessageInput): Promise<void> {
    return this.#context.send(to, message);
  }

  /** Asks, and resolves with the reply. @throws {RingfenceError} as {@link WorkContext.request} */
  request(to: Pid, message: MessageInput): Promise<Payload> {
    return this.#context.request(to, message);
  }

  /** Receives what is published there, as a message. */
  subscribe(topic: string): Promise<void> {
    return this.#context.subscribe(topic);
  }

  /** Ends it, as agents end that have failed: who monitors it is told, and nobody provides its service. */
  async end(): Promise<void> {
    this.#agent.kill();
    await this.#agent.exited;
  }
}

/** What a peer is made with. */
export interface PeerOptions extends HandlerOutcome {
  readonly kernel: Kernel;
  readonly clock: VirtualClock;
  /** Its name, and the service that it provides. */
  readonly name: string;
  /** Null: it answers nothing by itself. */
  readonly handler: PeerHandler | null;
  heard(mail: PeerMail): void;
  /** Keeps a record, where there is room. */
  keep(list: PeerMail[], mail: PeerMail, sent: Payload['val']): void;
}

/** Spawns a peer. */
export async function spawnPeer(options: PeerOptions): Promise<Peer> {
  const { kernel, clock, name, handler, heard, keep } = options;
  const received: PeerMail[] = [];
  const started = Promise.withResolvers<WorkContext>();
  const agent = await kernel.spawn({
    agentId: name,
    provides: [name],
    grants: { ipc: 'all' },
    work: async (context) => {
      started.resolve(context);
      for (;;) {
        const mail = mailOf(await context.receive(), context);
        if (mail === null) continue;
        keep(received, mail, mail.payload.val);
        heard(mail);
        void handle(mail, handler, clock, options);
      }
    },
  });
  const context = await Promise.race([
    started.promise,
    agent.exited.then(({ exit }) => {
      throw new Error(`the peer '${name}' has not started: ${exit.message}`);
    }),
  ]);
  return new Peer(name, agent, context, received);
}

/** Null: it is no mail of another agent's. */
function mailOf(received: Received, context: WorkContext): PeerMail | null {
  if (received.tag === 'request') {
    const { sender, method, payload, correlation } = received;
    return {
      from: sender,
      kind: 'request',
      method,
      payload,
      reply: (message) => context.reply(correlation, message),
    };
  }
  if (received.tag !== 'message' && received.tag !== 'topic') return null;
  return {
    from: received.sender,
    kind: 'message',
    method: null,
    payload: received.payload,
    reply: noRequest,
  };
}

/** Nobody waits for the answer to a message. */
export async function noRequest(): Promise<never> {
  throw new RingfenceError('RF_USAGE', 'Cannot reply to a message as it is no request: send one.');
}
