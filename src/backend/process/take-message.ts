/** What becomes of each message that an agent's process writes. */

import { MAILBOX_MESSAGES_MAX } from '../../ipc/message.ts';
import type { ToChild } from '../../wasm/worker/child/messages.ts';
import type { BackendEnd, BackendEvents, BackendStart } from '../backend.ts';
import { takeCounters } from './counters.ts';
import type { Deliveries } from './deliveries.ts';
import type { Denials } from './denials.ts';
import type { FileBroker } from './file-broker.ts';
import {
  type ReadHead,
  readExchange,
  readFileRequest,
  readNetwork,
  readPayload,
  readQuestion,
  readSpawn,
  readText,
} from './from-child.ts';
import { readSocketRequest } from './from-child-sockets.ts';
import type { NetworkBroker } from './network-broker.ts';
import type { Requests } from './requests.ts';
import type { SocketBroker } from './socket-broker.ts';
import type { ChildStreams } from './streams.ts';
import type { Tellings } from './tellings.ts';

/** What there is of an agent on this side. */
export interface ChildParts {
  readonly start: BackendStart;
  readonly events: BackendEvents;
  readonly files: FileBroker;
  readonly sockets: SocketBroker;
  readonly deliveries: Deliveries;
  readonly denials: Denials;
  readonly network: NetworkBroker;
  readonly requests: Requests;
  readonly streams: ChildStreams;
  readonly tellings: Tellings;
  send(message: ToChild): void;
  warn(text: string): void;
  finish(end: BackendEnd): void;
}

/** @throws {ChildProtocolError} where no process of ours would write it. */
export function takeMessage(parts: ChildParts, head: ReadHead, body: Buffer): void {
  switch (head.kind) {
    case 'warning':
      parts.warn(head.text);
      return;
    case 'running':
      parts.events.running();
      return;
    case 'exited':
      // No mailbox holds more, whatever a process says.
      parts.finish({
        ...head.end,
        undelivered: [],
        lost: Math.min(head.undelivered, MAILBOX_MESSAGES_MAX),
        findings: head.findings,
      });
      return;
    case 'counters':
      takeCounters(parts.start.block, parts.start.limits, head, parts.requests.counted);
      parts.events.counted();
      return;
    case 'told':
      parts.tellings.told(head.id);
      return;
    case 'denied':
      parts.denials.told(head.capability, head.operation, head.count);
      return;
    case 'log':
      parts.streams.log(head.level, head.message);
      return;
    case 'output':
      parts.streams.output(head.stream, body);
      return;
    case 'host-calls':
      parts.streams.hostCalls(head.calls);
      return;
    case 'recorded':
      parts.events.recorded(body);
      return;
    case 'kept':
      parts.events.kept(head.end);
      return;
    case 'exchange':
      parts.events.exchange(readExchange(head.say, body));
      return;
    case 'network':
      parts.network.take(readNetwork(head.say, body));
      return;
    case 'pull-input':
      parts.streams.pullInput();
      return;
    case 'unanswered':
      parts.events.unanswered(head.asker, head.correlation);
      return;
    case 'delivered':
      parts.deliveries.delivered(head.id, head.outcome);
      return;
    case 'room':
      parts.deliveries.room();
      return;
    case 'file':
      parts.files.perform(readFileRequest(head.request, body), (answer) =>
        parts.send({ kind: 'file-answer', id: head.id, answer }),
      );
      return;
    case 'socket':
      parts.sockets.perform(readSocketRequest(head.request, body), (answer) =>
        parts.send({ kind: 'socket-answer', id: head.id, answer }),
      );
      return;
    case 'send':
      parts.requests.send(head.id, {
        to: head.to,
        body: head.body,
        payload: readPayload(head.payload, body),
        waitMs: head.waitMs,
      });
      return;
    case 'ask':
      parts.requests.ask(head.id, readQuestion(head.question, body));
      return;
    case 'tool':
      parts.requests.callTool(head.id, head.name, readText(body));
      return;
    case 'spawn':
      parts.requests.spawn(head.id, readSpawn(body));
      return;
    case 'request-grant':
      parts.requests.requestGrant(head.id, head.grant, head.reason);
      return;
    case 'abandon':
      parts.requests.abandon(head.id);
      return;
  }
}
