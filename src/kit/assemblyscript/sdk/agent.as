// An agent as a class: what arrives calls its methods, one at a time, until it ends.

import {
  Filter,
  Message,
  MonitorDown,
  ExitSignal,
  Received,
  ReceivedTag,
  ReplyMessage,
  RequestMessage,
  ResourceWarning,
  TimerMessage,
  TopicMessage,
  receive,
} from 'ringfence/agent/ipc';
import { WitError, WitErrorTag } from 'ringfence/agent/types';
import { describe } from 'ringfence/assemblyscript/failure';
import { FOREVER } from 'ringfence/assemblyscript/mailbox';
import { Option, Result, UNIT, Unit } from 'wit/values';

/**
 * To be extended: `run` calls a method for each message that arrives. What an agent does not override is
 * ignored, so that nobody can end it by a message that it does not know.
 */
export abstract class Agent {
  /** How long it waits for a message before `onIdle`: for ever, where nothing is said. */
  idleMs: u64 = FOREVER;
  private isEnding: bool = false;
  private failure: string | null = null;

  /** Before anything is received. */
  onStart(): void {}
  onMessage(_message: Message): void {}
  /** To be answered by `mailbox.answer`, now or later. */
  onRequest(_request: RequestMessage): void {}
  /** A reply that nobody waited for. */
  onReply(_reply: ReplyMessage): void {}
  onTopic(_message: TopicMessage): void {}
  /** A linked agent has ended, and this one traps exits. */
  onExit(_signal: ExitSignal): void {}
  /** A monitored agent has ended. */
  onDown(_down: MonitorDown): void {}
  /** Most of a limit is used up. */
  onWarning(_warning: ResourceWarning): void {}
  onTimer(_timer: TimerMessage): void {}
  /** Nothing has arrived for `idleMs`: it ends, unless this says something else. */
  onIdle(): void {
    this.stop();
  }
  /**
   * Nothing can be received, as it is not granted to: its last words. It fails, unless this says something else: with
   * a method that does nothing it ends as `normal`.
   */
  onFailure(failure: WitError): void {
    this.fail(describe(failure));
  }
  /** It is asked to stop, and will when this returns: its last words. */
  onCancelled(_reason: string): void {}

  /** Ends the agent when the method that calls this returns. */
  stop(): void {
    this.isEnding = true;
  }

  /** Ends the agent with an error when the method that calls this returns. The first reason counts. */
  fail(reason: string): void {
    this.isEnding = true;
    if (this.failure === null) this.failure = reason;
  }

  /** Receives until it has stopped. What it answers is what the guest's `run` has to. */
  run(): Result<Unit, string> {
    this.onStart();
    while (!this.isEnding) this.step();
    const failure = this.failure;
    if (failure !== null) return Result.err<Unit, string>(failure);
    return Result.ok<Unit, string>(UNIT);
  }

  private step(): void {
    const wait = this.idleMs == FOREVER ? Option.none<u64>() : Option.some<u64>(this.idleMs);
    const received = receive(Filter.any(), wait);
    if (received.isOk) this.handle(received.value);
    else if (received.error.tag == WitErrorTag.Timeout) this.onIdle();
    else {
      this.stop();
      this.onFailure(received.error);
    }
  }

  private handle(received: Received): void {
    switch (received.tag) {
      case ReceivedTag.Message:
        return this.onMessage(received.message);
      case ReceivedTag.Request:
        return this.onRequest(received.request);
      case ReceivedTag.Reply:
        return this.onReply(received.reply);
      case ReceivedTag.Topic:
        return this.onTopic(received.topic);
      case ReceivedTag.Exit:
        return this.onExit(received.exit);
      case ReceivedTag.Down:
        return this.onDown(received.down);
      case ReceivedTag.Warning:
        return this.onWarning(received.warning);
      case ReceivedTag.Timer:
        return this.onTimer(received.timer);
      default:
        this.onCancelled(received.cancelled);
        this.stop();
    }
  }
}
