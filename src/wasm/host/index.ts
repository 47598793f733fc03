/** Every host function there is, by interface and name: what a guest's imports are bound to. */

import type { GatedFunction } from './abi/binding.ts';
import { capabilities } from './ringfence/capabilities.ts';
import { ipc } from './ringfence/ipc.ts';
import { log } from './ringfence/log.ts';
import { agentProcess } from './ringfence/process.ts';
import { timers } from './ringfence/timers.ts';
import { tools } from './ringfence/tools.ts';
import { WASI, WASI_BROKERED } from './wasi/index.ts';

/** Host functions by interface, without its version, and by name in WIT. */
export type HostFunctions = ReadonlyMap<string, ReadonlyMap<string, GatedFunction>>;

/** Those of agents whose files are in the same process. */
export const HOST: HostFunctions = new Map([
  ...WASI,
  ['ringfence:agent/process', agentProcess],
  ['ringfence:agent/timers', timers],
  ['ringfence:agent/ipc', ipc],
  ['ringfence:agent/tools', tools],
  ['ringfence:agent/log', log],
  ['ringfence:agent/capabilities', capabilities],
]);

/** Those of agents whose files are kept by a broker in another process. */
export const HOST_BROKERED: HostFunctions = new Map([...HOST, ...WASI_BROKERED]);
