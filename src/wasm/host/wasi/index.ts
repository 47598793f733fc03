/** All of WASI 0.2 and of its drafts that is offered, by interface and function. */

import type { Interface } from '../implement.ts';
import * as cli from './cli.ts';
import { monotonicClock, wallClock } from './clocks.ts';
import { configStore } from './config.ts';
import { preopens } from './filesystem/preopens.ts';
import { filesystemTypes } from './filesystem/types.ts';
import { outgoingHandler } from './http/outgoing-handler.ts';
import { httpTypes } from './http/types.ts';
import { ioError } from './io/error.ts';
import { ioPoll } from './io/poll.ts';
import { ioStreams } from './io/streams.ts';
import { keyvalueAtomics } from './keyvalue/atomics.ts';
import { keyvalueBatch } from './keyvalue/batch.ts';
import { keyvalueStore } from './keyvalue/store.ts';
import { logging } from './logging.ts';
import { insecure, insecureSeed, random } from './random.ts';
import { ipNameLookup } from './sockets/ip-name-lookup.ts';
import { instanceNetwork, network } from './sockets/network.ts';
import { tcp, tcpCreateSocket } from './sockets/tcp.ts';
import { udp, udpCreateSocket } from './sockets/udp.ts';

/** Host functions by interface, without its version, and by name in WIT. */
export const WASI: ReadonlyMap<string, Interface> = new Map<string, Interface>([
  ['wasi:cli/environment', cli.environment],
  ['wasi:cli/exit', cli.exit],
  ['wasi:cli/stderr', cli.stderr],
  ['wasi:cli/stdin', cli.stdin],
  ['wasi:cli/stdout', cli.stdout],
  ['wasi:cli/terminal-input', cli.terminalInput],
  ['wasi:cli/terminal-output', cli.terminalOutput],
  ['wasi:cli/terminal-stderr', cli.terminalStderr],
  ['wasi:cli/terminal-stdin', cli.terminalStdin],
  ['wasi:cli/terminal-stdout', cli.terminalStdout],
  ['wasi:clocks/monotonic-clock', monotonicClock],
  ['wasi:clocks/wall-clock', wallClock],
  ['wasi:config/store', configStore],
  ['wasi:filesystem/preopens', preopens],
  ['wasi:filesystem/types', filesystemTypes(false)],
  ['wasi:http/outgoing-handler', outgoingHandler],
  ['wasi:http/types', httpTypes],
  ['wasi:io/error', ioError],
  ['wasi:io/poll', ioPoll],
  ['wasi:io/streams', ioStreams],
  ['wasi:keyvalue/atomics', keyvalueAtomics],
  ['wasi:keyvalue/batch', keyvalueBatch],
  ['wasi:keyvalue/store', keyvalueStore],
  ['wasi:logging/logging', logging],
  ['wasi:random/insecure', insecure],
  ['wasi:random/insecure-seed', insecureSeed],
  ['wasi:random/random', random],
  ['wasi:sockets/instance-network', instanceNetwork],
  ['wasi:sockets/ip-name-lookup', ipNameLookup],
  ['wasi:sockets/network', network],
  ['wasi:sockets/tcp', tcp],
  ['wasi:sockets/tcp-create-socket', tcpCreateSocket],
  ['wasi:sockets/udp', udp],
  ['wasi:sockets/udp-create-socket', udpCreateSocket],
]);

/** The same for agents whose files another process has: their functions wait for its answers. */
export const WASI_BROKERED: ReadonlyMap<string, Interface> = new Map([
  ...WASI,
  ['wasi:filesystem/types', filesystemTypes(true)],
]);
