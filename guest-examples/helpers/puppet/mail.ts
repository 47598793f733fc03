// The puppet's words for mail, other agents and timers: what each does, as the line that tells how it
// came out.

import * as ipc from 'ringfence/agent/ipc';
import * as agents from 'ringfence/agent/process';
import * as timers from 'ringfence/agent/timers';
import * as tools from 'ringfence/agent/tools';
import { ExitReason, nameOfResourceKind, Payload, WitError } from 'ringfence/agent/types';
import { Option, Result, Unit } from 'wit/values';

/** Null: it is no word of these. */
export function actOnMail(words: string[]): string | null {
  const word = words[0];
  if (word == 'send') return unit(word, ipc.send(target(words[1]), text(words, 2), wait(words, 3)));
  if (word == 'request') return id(word, ipc.request(target(words[1]), text(words, 2)));
  if (word == 'reply') return unit(word, ipc.reply(number(words[1]), text(words, 2)));
  if (word == 'receive') return received(ipc.receive(ipc.Filter.any(), wait(words, 1)));
  if (word == 'from')
    return received(ipc.receive(ipc.Filter.sender(number(words[1])), wait(words, 2)));
  if (word == 'on') return received(ipc.receive(ipc.Filter.topic(words[1]), wait(words, 2)));
  if (word == 'await')
    return received(ipc.receive(ipc.Filter.correlation(number(words[1])), wait(words, 2)));
  if (word == 'publish') return unit(word, ipc.publish(words[1], news(words)));
  if (word == 'subscribe') return unit(word, ipc.subscribe(words[1]));
  if (word == 'unsubscribe') return unit(word, ipc.unsubscribe(words[1]));
  return actOnAgents(words);
}

function actOnAgents(words: string[]): string | null {
  const word = words[0];
  if (word == 'link') return unit(word, agents.link(number(words[1])));
  if (word == 'unlink') return unit(word, agents.unlink(number(words[1])));
  if (word == 'monitor') return id(word, agents.monitor(number(words[1])));
  if (word == 'demonitor') return unit(word, agents.demonitor(number(words[1])));
  if (word == 'trap-exit') return unit(word, agents.trapExit(words[1] == 'on'));
  if (word == 'stop')
    return unit(
      word,
      agents.stop(
        number(words[1]),
        words.length > 2 && words[2] == 'force' ? agents.StopMode.Force : agents.StopMode.Graceful,
      ),
    );
  if (word == 'after') return id(word, timers.after(number(words[1]), text(words, 2)));
  if (word == 'every') return id(word, timers.every(number(words[1]), text(words, 2)));
  if (word == 'cancel') return unit(word, timers.cancel(number(words[1])));
  if (word == 'tools') return listed(tools.list());
  return null;
}

function number(word: string): u64 {
  return U64.parseInt(word);
}

function text(words: string[], index: i32): Payload {
  return Payload.text(words[index]);
}

function news(words: string[]): Payload {
  return Payload.text(words.length > 2 ? words[2] : 'news');
}

function wait(words: string[], index: i32): Option<u64> {
  return words.length > index ? Option.some<u64>(number(words[index])) : Option.none<u64>();
}

// PID, kernel, all, service:NAME or service:NAME/METHOD
function target(word: string): ipc.Target {
  if (word == 'kernel') return ipc.Target.kernel();
  if (word == 'all') return ipc.Target.broadcast();
  if (word == 'remote') return ipc.Target.remote(new ipc.RemotePid('elsewhere', 1));
  if (!word.startsWith('service:')) return ipc.Target.process(number(word));
  const parts = word.substring(8).split('/');
  return parts.length == 1
    ? ipc.Target.service(parts[0])
    : ipc.Target.serviceMethod(new ipc.ServiceMethod(parts[0], parts[1]));
}

function unit(word: string, result: Result<Unit, WitError>): string {
  return result.isOk ? `${word} ok` : `${word} err ${result.error.name} ${result.error.payload}`;
}

function id(word: string, result: Result<u64, WitError>): string {
  return result.isOk
    ? `${word} ok ${result.value}`
    : `${word} err ${result.error.name} ${result.error.payload}`;
}

function listed(result: Result<Array<tools.Tool>, WitError>): string {
  if (!result.isOk) return `tools err ${result.error.name} ${result.error.payload}`;
  let all = 'tools ok';
  for (let index = 0; index < result.value.length; index++) {
    const tool = result.value[index];
    all += ` ${tool.name} ${tool.description} ${tool.parameters}`;
  }
  return all;
}

function said(reason: ExitReason): string {
  return reason.name == 'crash' ? `crash ${reason.crash}` : reason.name;
}

function received(result: Result<ipc.Received, WitError>): string {
  if (!result.isOk) return `receive err ${result.error.name} ${result.error.payload}`;
  const value = result.value;
  if (value.tag == ipc.ReceivedTag.Message) {
    return `receive ok ${value.message.sender} ${value.message.payload.text}`;
  }
  if (value.tag == ipc.ReceivedTag.Request) {
    const request = value.request;
    const named = request.method;
    const method = named === null ? '-' : named;
    return `receive ok request ${request.sender} ${request.correlation} ${method} ${request.payload.text}`;
  }
  if (value.tag == ipc.ReceivedTag.Reply) {
    const reply = value.reply;
    return `receive ok reply ${reply.sender} ${reply.correlation} ${reply.payload.text}`;
  }
  if (value.tag == ipc.ReceivedTag.Topic) {
    return `receive ok topic ${value.topic.sender} ${value.topic.topic} ${value.topic.payload.text}`;
  }
  if (value.tag == ipc.ReceivedTag.Exit) {
    return `receive ok exit ${value.exit.pid} ${said(value.exit.reason)}`;
  }
  if (value.tag == ipc.ReceivedTag.Down) {
    return `receive ok down ${value.down.monitor} ${value.down.pid} ${said(value.down.reason)}`;
  }
  if (value.tag == ipc.ReceivedTag.Warning) {
    const warning = value.warning;
    return `receive ok warning ${warning.pid} ${nameOfResourceKind(warning.kind)} ${warning.used} ${warning.limit}`;
  }
  if (value.tag == ipc.ReceivedTag.Timer) {
    return `receive ok timer ${value.timer.timer} ${value.timer.payload.text}`;
  }
  return `receive ok ${value.name}`;
}
