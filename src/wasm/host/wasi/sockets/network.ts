/** wasi:sockets/network and instance-network: the network as such. */

import type { HostAgent } from '../../agent.ts';
import type { Functions as InstanceNetworkFunctions } from '../../generated/wasi-sockets-instance-network.ts';
import type { Functions as NetworkFunctions } from '../../generated/wasi-sockets-network.ts';
import { implement, releaseHeld } from '../../implement.ts';
import { Held } from '../held.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:sockets/network/network': Network;
  }
}

/** The network as such. Having the handle grants nothing: each address is looked at where it is used. */
class Network extends Held {
  readonly kind = 'network';
}

export const instanceNetwork = implement<InstanceNetworkFunctions>(
  'wasi:sockets/instance-network',
  null,
  { 'instance-network': (agent: HostAgent) => new Network(agent) },
);

export const network = implement<NetworkFunctions>('wasi:sockets/network', null, {
  '[resource-drop]network': releaseHeld,
});
