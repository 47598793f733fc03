// A worker that ends as it is told, by its second argument at once, else by messages: `crash` (a trap),
// `fail` (an error), `finish`.

import { Filter, ReceivedTag, receive } from 'ringfence/agent/ipc';
import { Level, log } from 'ringfence/agent/log';
import { PayloadTag } from 'ringfence/agent/types';
import { getArguments } from 'wasi/cli/environment';
import { Option, Result, UNIT, Unit } from 'wit/values';

export function run(): Result<Unit, string> {
  log(Level.Info, 'ready');
  const args = getArguments();
  let order = args.length > 1 ? args[1] : '';
  while (true) {
    if (order == 'crash') unreachable();
    if (order == 'fail') return Result.err<Unit, string>('it was told to fail');
    if (order == 'finish') return Result.ok<Unit, string>(UNIT);
    const received = receive(Filter.any(), Option.none<u64>());
    if (!received.isOk) return Result.err<Unit, string>(received.error.payload);
    if (received.value.tag == ReceivedTag.Cancelled) {
      log(Level.Info, 'stopped');
      return Result.ok<Unit, string>(UNIT);
    }
    if (received.value.tag == ReceivedTag.Message) {
      const payload = received.value.message.payload;
      if (payload.tag == PayloadTag.Text) order = payload.text;
    }
  }
}
