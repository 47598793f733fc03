/** Binds what a function's context has of messages, topics and timers. */

import * as z from 'zod';
import type { Payload } from '../../ipc/message.ts';
import { type MessageInput, readMessage } from '../../ipc/payload.ts';
import type {
  Filter,
  Functions as IpcFunctions,
  Target,
} from '../../wasm/host/generated/ringfence-agent-ipc.ts';
import type { Functions as TimersFunctions } from '../../wasm/host/generated/ringfence-agent-timers.ts';
import { ipc } from '../../wasm/host/ringfence/ipc.ts';
import { timers } from '../../wasm/host/ringfence/timers.ts';
import { type Asked, toReceived, unwrap, wasFound } from './answers.ts';
import { Call, type Calling } from './call.ts';
import type { WorkContext } from './context.ts';
import { asking, hostFunctionOf, idSchema, millisecondsSchema, read, toBigInt } from './edge.ts';

const send = hostFunctionOf<IpcFunctions, 'send'>(ipc, 'send');
const request = hostFunctionOf<IpcFunctions, 'request'>(ipc, 'request');
const reply = hostFunctionOf<IpcFunctions, 'reply'>(ipc, 'reply');
const receive = hostFunctionOf<IpcFunctions, 'receive'>(ipc, 'receive');
const publish = hostFunctionOf<IpcFunctions, 'publish'>(ipc, 'publish');
const subscribe = hostFunctionOf<IpcFunctions, 'subscribe'>(ipc, 'subscribe');
const unsubscribe = hostFunctionOf<IpcFunctions, 'unsubscribe'>(ipc, 'unsubscribe');
const after = hostFunctionOf<TimersFunctions, 'after'>(timers, 'after');
const every = hostFunctionOf<TimersFunctions, 'every'>(timers, 'every');
const cancelTimer = hostFunctionOf<TimersFunctions, 'cancel'>(timers, 'cancel');

const requestTargetSchema = z.union([
  idSchema,
  z.literal('kernel'),
  z.strictObject({ service: z.string(), method: z.string().optional() }),
]);
const targetSchema = z.union([requestTargetSchema, z.literal('broadcast')]);

const sendSchema = z.strictObject({ to: targetSchema, waitMs: millisecondsSchema.optional() });
const requestSchema = z.strictObject({
  to: requestTargetSchema,
  timeoutMs: millisecondsSchema.optional(),
});
const receiveSchema = z
  .strictObject({
    sender: idSchema.optional(),
    topic: z.string().optional(),
    timeoutMs: millisecondsSchema.optional(),
  })
  .refine(({ sender, topic }) => sender === undefined || topic === undefined, {
    path: ['topic'],
    message: "a message is taken by its 'sender' or by its 'topic': leave one out",
  });
const replySchema = z.strictObject({ correlation: idSchema });
const topicSchema = z.strictObject({ topic: z.string() });
const timerSchema = z.strictObject({ milliseconds: millisecondsSchema });
const cancelSchema = z.strictObject({ timer: idSchema });

function toTarget(to: z.output<typeof targetSchema>): Target {
  if (typeof to === 'number') {
    return { tag: 'process', val: BigInt(to) };
  }
  if (typeof to === 'string') {
    return { tag: to };
  }
  const { service, method } = to;
  return method === undefined
    ? { tag: 'service', val: service }
    : { tag: 'service-method', val: { service, method } };
}

const toFilter = ({ sender, topic }: z.output<typeof receiveSchema>): Filter =>
  sender !== undefined
    ? { tag: 'sender', val: BigInt(sender) }
    : topic !== undefined
      ? { tag: 'topic', val: topic }
      : { tag: 'any' };

/** Whom, in a sentence about what failed, and what it is called where nobody is there. */
function named(to: z.output<typeof targetSchema>): Pick<Asked, 'notFound'> & { whom: string } {
  if (typeof to === 'object') {
    return { whom: `the service '${to.service}'`, notFound: 'RF_UNAVAILABLE' };
  }
  return { whom: typeof to === 'number' ? `pid ${to}` : `the ${to}` };
}

/** Whoever gives up a request waits for its reply no more, and what has come meanwhile is dropped. */
function giveUp(agent: Calling, correlation: bigint): void {
  agent.conversations.forget(Number(correlation));
  agent.gaveUp(Number(correlation));
  agent.mail.take({ tag: 'correlation', val: Number(correlation) });
}

type Messages = Pick<
  WorkContext,
  | 'receive'
  | 'send'
  | 'request'
  | 'reply'
  | 'publish'
  | 'subscribe'
  | 'unsubscribe'
  | 'after'
  | 'every'
  | 'cancelTimer'
>;

/** The part of a context that is for messages. */
export function messagesOf(agent: Calling, signal: AbortSignal): Messages {
  const asked = (what: string): Asked => ({ what, pid: agent.pid, signal });

  async function replyTo(correlation: bigint, timeoutMs: number | undefined): Promise<Payload> {
    const filter = { tag: 'correlation', val: correlation } as const;
    try {
      const result = await new Call(agent).run(receive, filter, toBigInt(timeoutMs));
      const received = unwrap(result, asked('receive the reply'));
      if (received.tag !== 'reply') {
        throw new Error(`a ${received.tag} was taken for a reply`);
      }
      return received.val.payload;
    } catch (error) {
      giveUp(agent, correlation);
      throw error;
    }
  }

  const setTimer = (
    set: typeof after,
    what: string,
    milliseconds: number,
    message: MessageInput,
  ): Promise<number> =>
    asking(agent, async () => {
      read(what, timerSchema, { milliseconds });
      const payload = readMessage(message);
      const result = await new Call(agent).run(set, BigInt(milliseconds), payload);
      return Number(unwrap(result, asked(what)));
    });

  return {
    receive: (options = {}) =>
      asking(agent, async () => {
        const wanted = read('receive', receiveSchema, options);
        const { timeoutMs } = wanted;
        const result = await new Call(agent).run(receive, toFilter(wanted), toBigInt(timeoutMs));
        return toReceived(unwrap(result, asked('receive')));
      }),
    send: (to, message, options = {}) =>
      asking(agent, async () => {
        const { waitMs, ...wanted } = read('send the message', sendSchema, { ...options, to });
        const payload = readMessage(message);
        const { whom, ...nobody } = named(wanted.to);
        const result = await new Call(agent).run(
          send,
          toTarget(wanted.to),
          payload,
          toBigInt(waitMs),
        );
        unwrap(result, { ...asked(`send to ${whom}`), ...nobody });
      }),
    request: (to, message, options = {}) =>
      asking(agent, async () => {
        const wanted = read('send the request', requestSchema, { ...options, to });
        const payload = readMessage(message);
        const { whom, ...nobody } = named(wanted.to);
        const result = await new Call(agent).run(request, toTarget(wanted.to), payload);
        const correlation = unwrap(result, { ...asked(`ask ${whom}`), ...nobody });
        return replyTo(correlation, wanted.timeoutMs);
      }),
    reply: (correlation, message) =>
      asking(agent, async () => {
        read('reply', replySchema, { correlation });
        const payload = readMessage(message);
        const result = await new Call(agent).run(reply, BigInt(correlation), payload);
        unwrap(result, { ...asked('reply'), notFound: 'RF_CLOSED' });
      }),
    publish: (topic, message) =>
      asking(agent, async () => {
        read('publish', topicSchema, { topic });
        const result = await new Call(agent).run(publish, topic, readMessage(message));
        unwrap(result, asked(`publish on '${topic}'`));
      }),
    subscribe: (topic) =>
      asking(agent, async () => {
        read('subscribe', topicSchema, { topic });
        unwrap(await new Call(agent).run(subscribe, topic), asked(`subscribe to '${topic}'`));
      }),
    unsubscribe: (topic) =>
      asking(agent, async () => {
        read('unsubscribe', topicSchema, { topic });
        const result = await new Call(agent).run(unsubscribe, topic);
        return wasFound(result, asked(`unsubscribe from '${topic}'`));
      }),
    after: (milliseconds, message) => setTimer(after, 'set the timer', milliseconds, message),
    every: (milliseconds, message) => setTimer(every, 'set the timer', milliseconds, message),
    cancelTimer: (timer) =>
      asking(agent, async () => {
        read('cancel the timer', cancelSchema, { timer });
        const result = await new Call(agent).run(cancelTimer, BigInt(timer));
        return wasFound(result, asked(`cancel the timer ${timer}`));
      }),
  };
}
