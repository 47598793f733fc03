/**
 * What an agent's process writes, read without believing any of it: a guest may have taken it over.
 * That it may do what it asks for is checked where it is done.
 */

import * as z from 'zod';
import {
  BODY_WINDOW_BYTES,
  FIELD_COUNT_MAX,
  FIELDS_BYTES_MAX,
  type Field,
  type FromExchange,
  fieldsBytes,
} from '../../http/exchange.ts';
import { isFieldName } from '../../http/syntax.ts';
import { type Address, type Body, NAME_CHARACTERS_MAX, type Payload } from '../../ipc/message.ts';
import type { Question } from '../../ipc/question.ts';
import type { ToNetwork } from '../../network/exchange.ts';
import {
  CALL_OUTCOMES,
  type Findings,
  type HostCall,
  LAST_CALLS_MAX,
  PLACES_MAX,
  PROFILE_NODES_MAX,
} from '../../process/diagnosis.ts';
import { type KeepEnd, REPLAY_DIFFERENCES } from '../../recording/kept.ts';
import { LINE_CHARACTERS_MAX } from '../../recording/trace.ts';
import type { FileRequest } from '../../wasm/host/files/request.ts';
import { isFieldValue, isForbiddenFieldName } from '../../wasm/host/wasi/http/syntax.ts';
import type { Frame } from '../../wasm/worker/child/frames.ts';
import {
  FROM_CHILD_TEXTS,
  type HeadExchange,
  type HeadNetwork,
  type HeadQuestion,
} from '../../wasm/worker/child/messages.ts';
import { CALLS_TOGETHER_MAX } from '../../wasm/worker/observing/call-trace.ts';
import type { ChildRequest } from '../backend.ts';
import { TOLD_ERRORS } from './deliveries.ts';

/** Characters of a sentence: of an end, a warning, an error. */
const SENTENCE_MAX = 8 * 1024;
/** Characters of a line that an agent logs; the worker cuts it there. */
const LOG_LINE_MAX = 8 * 1024;

/** Characters of a host function's name: some times more than those that are offered have. */
const HOST_FUNCTION_NAME_MAX = 256;

/** As many core modules as a component may have: see `PrepareLimits`. */
const MODULE_MAX = 255;

const count = z.int().nonnegative();
const sentence = z.string().max(SENTENCE_MAX);
const name = z.string().max(FROM_CHILD_TEXTS.nameCharacters);
/** What is shown to an operator without being made printable: words of ours. */
const word = z.string().regex(/^[a-z][a-z0-9_.[\]/:-]{0,127}$/);

const outcome = z.union([
  z.strictObject({ tag: z.literal('ok'), val: count }),
  z.strictObject({ tag: z.literal('err'), error: z.enum(TOLD_ERRORS), message: sentence }),
]);

/** A pid, or an id; -1 is nobody's. */
const id = z.int().min(-1);
const shortName = z.string().max(NAME_CHARACTERS_MAX);
const payloadTag = z.enum(['text', 'json', 'binary']);

/** The name of an error of wasi:http. */
const errorTag = z.string().regex(/^[A-Za-z][A-Za-z-]{0,63}$/);
const isLatin1 = (text: string): boolean => /^[\0-\xff]*$/.test(text);

const address: z.ZodType<Address> = z.discriminatedUnion('tag', [
  z.strictObject({ tag: z.literal('process'), pid: id }),
  z.strictObject({ tag: z.literal('broadcast') }),
  z.strictObject({ tag: z.literal('service'), name: shortName, method: shortName.nullable() }),
  z.strictObject({ tag: z.literal('kernel') }),
]);

const messageBody: z.ZodType<Body> = z.discriminatedUnion('tag', [
  z.strictObject({ tag: z.literal('message') }),
  z.strictObject({ tag: z.literal('request'), correlation: count }),
  z.strictObject({
    tag: z.literal('reply'),
    correlation: count,
    routed: z.boolean().optional(),
  }),
]);

const question: z.ZodType<HeadQuestion> = z.discriminatedUnion('ask', [
  z.strictObject({ ask: z.literal('link'), pid: id }),
  z.strictObject({ ask: z.literal('unlink'), pid: id }),
  z.strictObject({ ask: z.literal('monitor'), pid: id }),
  z.strictObject({ ask: z.literal('demonitor'), monitor: id }),
  z.strictObject({ ask: z.literal('trap-exit'), enabled: z.boolean() }),
  z.strictObject({ ask: z.literal('stop'), pid: id, mode: z.enum(['graceful', 'force']) }),
  z.strictObject({ ask: z.literal('subscribe'), topic: shortName }),
  z.strictObject({ ask: z.literal('unsubscribe'), topic: shortName }),
  z.strictObject({ ask: z.literal('publish'), topic: shortName, payload: payloadTag }),
  z.strictObject({ ask: z.literal('tools') }),
]);

const fields: z.ZodType<readonly Field[]> = z
  .array(
    z.tuple([
      z.string().max(FIELDS_BYTES_MAX).refine(isFieldName),
      z
        .string()
        .max(FIELDS_BYTES_MAX)
        .refine((value) => isFieldValue(Buffer.from(value, 'latin1')) && isLatin1(value)),
    ]),
  )
  .max(FIELD_COUNT_MAX)
  .refine((list) => fieldsBytes(list) <= FIELDS_BYTES_MAX)
  .refine((list) => !list.some(([each]) => isForbiddenFieldName(each.toLowerCase())));

const exchange: z.ZodType<HeadExchange> = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('pull'), id: count }),
  z.strictObject({
    step: z.literal('head'),
    id: count,
    status: z.int().min(200).max(599),
    fields,
  }),
  z.strictObject({ step: z.literal('refused'), id: count, error: errorTag }),
  z.strictObject({ step: z.literal('bytes'), id: count }),
  z.strictObject({ step: z.literal('end'), id: count, trailers: fields }),
  z.strictObject({ step: z.literal('broken'), id: count }),
  z.strictObject({ step: z.literal('done'), id: count }),
]);

/** Milliseconds that a request may wait; more is cut to what may be. */
const waitMs = z.number().nonnegative().max(Number.MAX_SAFE_INTEGER).nullable();

/** What a request is made of is checked by the client. */
const network: z.ZodType<HeadNetwork> = z.discriminatedUnion('step', [
  z.strictObject({
    step: z.literal('send'),
    id: count,
    head: z.strictObject({
      method: name,
      scheme: z.enum(['http', 'https']),
      authority: name,
      pathWithQuery: name,
      fields,
      hasBody: z.boolean(),
      connectTimeoutMs: waitMs,
      firstByteTimeoutMs: waitMs,
      betweenBytesTimeoutMs: waitMs,
    }),
  }),
  z.strictObject({ step: z.literal('bytes'), id: count }),
  z.strictObject({ step: z.literal('end'), id: count, trailers: fields }),
  z.strictObject({ step: z.literal('broken'), id: count }),
  z.strictObject({ step: z.literal('pull'), id: count }),
  z.strictObject({ step: z.literal('drop'), id: count }),
]);

const place = z.strictObject({ module: z.int().min(0).max(MODULE_MAX), offset: count });
/** In short: each is cut by who has described it, at the same length. */
const described = z.string().max(LINE_CHARACTERS_MAX + 1);
const hostCall: z.ZodType<HostCall> = z.strictObject({
  call: count,
  function: z.string().max(HOST_FUNCTION_NAME_MAX),
  fuel: count,
  arguments: described,
  answer: described.nullable(),
  outcome: z.enum(CALL_OUTCOMES),
});
const findings: z.ZodType<Findings> = z.strictObject({
  backtrace: z.array(place).max(PLACES_MAX),
  profile: z
    .strictObject({
      every: count,
      nodes: z
        .array(z.strictObject({ parent: z.int().min(-1), place, fuel: count }))
        .max(PROFILE_NODES_MAX)
        // Whoever walks it never goes in a circle.
        .refine((nodes) => nodes.every(({ parent }, index) => parent < index)),
      elsewhere: count,
    })
    .nullable(),
  lastCalls: z.array(hostCall).max(LAST_CALLS_MAX),
  hostCalls: count,
});
const keptOutput = z.strictObject({ bytes: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const kept: z.ZodType<KeepEnd> = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z.literal('record'),
    calls: count,
    cutAtFuel: count.nullable(),
    endedOutside: z.boolean(),
    stdout: keptOutput,
    stderr: keptOutput,
  }),
  z.strictObject({
    mode: z.literal('replay'),
    calls: count,
    difference: z
      .strictObject({
        call: count.nullable(),
        function: sentence.nullable(),
        what: z.enum(REPLAY_DIFFERENCES),
        recorded: sentence,
        found: sentence,
        fuel: count,
      })
      .nullable(),
    stopped: z.boolean(),
    stdout: keptOutput.nullable(),
    stderr: keptOutput.nullable(),
  }),
]);

const head = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('warning'), text: z.string().max(SENTENCE_MAX * 8) }),
  z.strictObject({ kind: z.literal('running') }),
  z.strictObject({
    kind: z.literal('exited'),
    end: z.strictObject({
      code: z.int32().nullable(),
      reason: z.enum([
        'normal',
        'error',
        'trap',
        'fuel',
        'cpu_time',
        'timeout',
        'killed',
        'internal',
      ]),
      message: sentence.nullable(),
    }),
    undelivered: count,
    findings: findings.nullable(),
  }),
  z.strictObject({
    kind: z.literal('counters'),
    fuel: count,
    memoryBytes: count,
    cpuTimeMicroseconds: count,
    messagesSent: count,
    toolCalls: count,
    slices: count,
    longestWaitMicroseconds: count,
    mailboxMessages: count,
  }),
  z.strictObject({ kind: z.literal('told'), id: count }),
  z.strictObject({
    kind: z.literal('denied'),
    capability: word,
    operation: word,
    count: z.int().positive(),
  }),
  z.strictObject({
    kind: z.literal('log'),
    level: z.enum(['trace', 'debug', 'info', 'warn', 'error']),
    message: z.string().max(LOG_LINE_MAX),
  }),
  z.strictObject({
    kind: z.literal('request-grant'),
    id: count,
    grant: z.strictObject({ kind: name, scope: z.array(name).max(FROM_CHILD_TEXTS.words) }),
    reason: z.string().max(1_000),
  }),
  z.strictObject({ kind: z.literal('abandon'), id: count }),
  z.strictObject({ kind: z.literal('unanswered'), asker: count, correlation: count }),
  z.strictObject({ kind: z.literal('delivered'), id: count, outcome }),
  z.strictObject({ kind: z.literal('exchange'), say: exchange }),
  z.strictObject({ kind: z.literal('network'), say: network }),
  z.strictObject({
    kind: z.literal('host-calls'),
    calls: z.array(hostCall).min(1).max(CALLS_TOGETHER_MAX),
  }),
  z.strictObject({ kind: z.literal('recorded') }),
  z.strictObject({ kind: z.literal('kept'), end: kept }),
  z.strictObject({ kind: z.literal('pull-input') }),
  z.strictObject({ kind: z.literal('room') }),
  z.strictObject({ kind: z.literal('output'), stream: z.enum(['stdout', 'stderr']) }),
  z.strictObject({
    kind: z.literal('send'),
    id: count,
    to: address,
    body: messageBody,
    waitMs: count.nullable(),
    payload: payloadTag,
  }),
  z.strictObject({ kind: z.literal('ask'), id: count, question }),
  z.strictObject({ kind: z.literal('tool'), id: count, name }),
  z.strictObject({ kind: z.literal('spawn'), id: count }),
  z.strictObject({ kind: z.literal('file'), id: count, request: z.unknown() }),
  z.strictObject({ kind: z.literal('socket'), id: count, request: z.unknown() }),
]);

/** The head of a frame, of the right form. */
export type ReadHead = z.infer<typeof head>;

/** It has written what no process of ours writes. */
export class ChildProtocolError extends Error {
  override readonly name = 'ChildProtocolError';
}

function parsed<Schema extends z.ZodType>(schema: Schema, text: Buffer): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(utf8(text));
  } catch {
    throw new ChildProtocolError('what should be JSON is none');
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const where = result.error.issues[0]?.path.join('.') ?? '';
    throw new ChildProtocolError(`a message has not the form of one, at '${where.slice(0, 64)}'`);
  }
  return result.data;
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ChildProtocolError('what should be UTF-8 is none');
  }
}

/** Kinds of frames that have a body. */
const WITH_BODY: ReadonlySet<string> = new Set([
  'exchange',
  'network',
  'output',
  'recorded',
  'send',
  'ask',
  'tool',
  'spawn',
  'file',
  'socket',
]);

/** @throws {ChildProtocolError} where it has not the form of any message. */
export function readHead(frame: Frame): ReadHead {
  const read = parsed(head, frame.head);
  if (frame.body.length > 0 && !WITH_BODY.has(read.kind)) {
    throw new ChildProtocolError(`a message '${read.kind}' with a body`);
  }
  return read;
}

/** What is said of a request, with its bytes out of the frame's body. */
export function readExchange(say: HeadExchange, body: Buffer): FromExchange {
  if (say.step === 'bytes') {
    if (body.length === 0 || body.length > BODY_WINDOW_BYTES) {
      throw new ChildProtocolError('a piece of a response of no length, or of too much');
    }
    return { ...say, bytes: body };
  }
  if (body.length > 0) {
    throw new ChildProtocolError(`a word '${say.step}' of a request with a body`);
  }
  return say as FromExchange;
}

/** What is said of a request that is sent, with its bytes out of the frame's body. */
export function readNetwork(say: HeadNetwork, body: Buffer): ToNetwork {
  if (say.step === 'bytes') {
    if (body.length === 0 || body.length > BODY_WINDOW_BYTES) {
      throw new ChildProtocolError('a piece of a request of no length, or of too much');
    }
    return { ...say, bytes: body };
  }
  if (body.length > 0) {
    throw new ChildProtocolError(`a word '${say.step}' of a request with a body`);
  }
  return say as ToNetwork;
}

/** The text in a frame's body. */
export const readText = utf8;

/** The payload in a frame's body. */
export function readPayload(tag: Payload['tag'], body: Buffer): Payload {
  return tag === 'binary' ? { tag, val: new Uint8Array(body) } : { tag, val: utf8(body) };
}

const limit = z
  .string()
  .regex(/^[0-9]{1,20}$/)
  .transform(BigInt)
  .optional();
const text = z.string();
const texts = z.array(text).max(FROM_CHILD_TEXTS.childTexts);

const spawnRequest = z.strictObject({
  agentId: text,
  module: z.strictObject({ tag: z.enum(['digest', 'name']), val: text }),
  arguments: texts,
  environment: z.array(z.tuple([text, text])).max(FROM_CHILD_TEXTS.childTexts),
  grants: z.array(z.strictObject({ kind: text, scope: texts })).max(FROM_CHILD_TEXTS.words),
  limits: z.strictObject({
    fuel: limit,
    memoryBytes: limit,
    cpuTimeMs: limit,
    wallTimeMs: limit,
    messages: limit,
    toolCalls: limit,
    diskBytes: limit,
  }),
  restart: z.enum(['permanent', 'transient', 'temporary']),
  linked: z.boolean(),
});

/** A question, with what is published in the frame's body. */
export function readQuestion(asked: HeadQuestion, body: Buffer): Question {
  if (asked.ask === 'publish') {
    return { ...asked, payload: readPayload(asked.payload, body) };
  }
  if (body.length > 0) {
    throw new ChildProtocolError(`a question '${asked.ask}' with a body`);
  }
  return asked;
}

/** The spawn in a frame's body; the supervisor checks what it asks for. */
export const readSpawn = (body: Buffer): ChildRequest => parsed(spawnRequest, body) as ChildRequest;

const handle = z.int();
const path = z.string().max(64 * 1024);
const flags = z.int();
const amount = z.number();
const time = z.strictObject({ seconds: amount, nanoseconds: amount });
const newTime = z.union([z.enum(['no-change', 'now']), time]);
const at = { directory: handle, path };
const bothAt = { ...at, newDirectory: handle, newPath: path };
const op = <Name extends FileRequest['op'], Shape extends z.ZodRawShape>(
  name: Name,
  shape: Shape,
) => z.strictObject({ op: z.literal(name), ...shape });

const fileRequest = z.discriminatedUnion('op', [
  op('open-at', { ...at, follow: z.boolean(), openFlags: flags, flags }),
  op('close', { handle }),
  op('read', { file: handle, length: amount, offset: amount }),
  op('write', { file: handle, offset: amount }),
  op('append', { file: handle }),
  op('set-size', { file: handle, size: amount }),
  op('advise', { file: handle, offset: amount, length: amount }),
  op('sync', { handle, dataOnly: z.boolean() }),
  op('stat', { handle }),
  op('stat-at', { ...at, follow: z.boolean() }),
  op('set-times', { handle, accessed: newTime, modified: newTime }),
  op('set-times-at', { ...at, follow: z.boolean(), accessed: newTime, modified: newTime }),
  op('create-directory-at', at),
  op('remove-directory-at', at),
  op('unlink-file-at', at),
  op('rename-at', bothAt),
  op('link-at', { ...bothAt, follow: z.boolean() }),
  op('symlink-at', { ...at, target: path }),
  op('readlink-at', at),
  op('read-directory', { directory: handle }),
  op('next-entries', { stream: handle }),
  op('identity', { handle }),
  op('identity-at', { ...at, follow: z.boolean() }),
]);

/** The request in a frame; what is written is its body. The engine checks what the numbers mean. */
export function readFileRequest(request: unknown, body: Buffer): FileRequest {
  const result = fileRequest.safeParse(request);
  if (!result.success) {
    throw new ChildProtocolError('a request on files has not the form of one');
  }
  const writes = result.data.op === 'write' || result.data.op === 'append';
  if (!writes && body.length > 0) {
    throw new ChildProtocolError(`a request '${result.data.op}' with a body`);
  }
  return (writes ? { ...result.data, bytes: body } : result.data) as FileRequest;
}
