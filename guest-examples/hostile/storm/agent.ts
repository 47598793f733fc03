// Does one thing without end: `storm KIND [DIGEST]`. What the host answers is nothing to it.

import * as ipc from 'ringfence/agent/ipc';
import { Level, log } from 'ringfence/agent/log';
import * as agents from 'ringfence/agent/process';
import * as timers from 'ringfence/agent/timers';
import { Payload } from 'ringfence/agent/types';
import { getArguments } from 'wasi/cli/environment';
import * as monotonic from 'wasi/clocks/monotonic-clock';
import { Option, Result, Unit } from 'wit/values';

const LARGE_BYTES = 1 << 20;
const FILLED_BYTES = 16 << 20;
/** Somewhat less than a slice. */
const BUSY_NS: u64 = 900_000;
const NONE = Option.none<u64>();
const LINE = 'x'.repeat(1000);

let own: u64 = 0;
let large: Payload = Payload.text('');
let digest = '';
let filled = new ArrayBuffer(0);

export function run(): Result<Unit, string> {
  const args = getArguments();
  const kind = args[1];
  if (args.length > 2) digest = args[2];
  own = agents.self();
  if (kind == 'sends of a MiB') large = Payload.binary(new Uint8Array(LARGE_BYTES));
  if (kind == 'fills') filled = new ArrayBuffer(FILLED_BYTES);
  if (kind == 'publishes') ipc.subscribe('storm');
  while (true) act(kind);
}

function act(kind: string): void {
  if (kind == 'publishes') ipc.publish('storm', Payload.text('storm'));
  else if (kind == 'requests') ipc.request(ipc.Target.process(own), Payload.text('storm'));
  else if (kind == 'sends to itself') toItself(Payload.text('storm'));
  else if (kind == 'sends of a MiB') toItself(large);
  else if (kind == 'timers') timers.after(1, Payload.text('storm'));
  else if (kind == 'log lines') log(Level.Info, LINE);
  else if (kind == 'monitors') agents.monitor(own);
  else if (kind == 'spawns') spawn();
  else if (kind == 'fills') memory.fill(changetype<usize>(filled), 1, FILLED_BYTES);
  else wakeAndCompute();
}

function toItself(payload: Payload): void {
  ipc.send(ipc.Target.process(own), payload, NONE);
  ipc.receive(ipc.Filter.any(), Option.some<u64>(0));
}

/** Each time within its share of a slice, so that it never uses one up. */
function wakeAndCompute(): void {
  ipc.receive(ipc.Filter.any(), Option.some<u64>(1));
  const until = monotonic.now() + BUSY_NS;
  while (monotonic.now() < until) {}
}

function spawn(): void {
  agents.spawn(
    new agents.SpawnRequest(
      'child',
      agents.ModuleReference.digest(digest),
      [],
      [],
      [],
      new agents.Limits(NONE, NONE, NONE, NONE, NONE, NONE, NONE),
      agents.RestartType.Temporary,
      false,
    ),
  );
}
