/** wasi:filesystem/preopens: the agent's mounts. */

import type { Functions } from '../../generated/wasi-filesystem-preopens.ts';
import { implement } from '../../implement.ts';
import { Descriptor } from './descriptor.ts';

/** Mounts whose grant is no longer in force are not there. */
export const preopens = implement<Functions>('wasi:filesystem/preopens', null, {
  'get-directories': (agent) => {
    const directories: [Descriptor, string][] = [];
    for (const preopen of agent.files.preopens) {
      const grant = agent.grants.of.files.find(({ scope }) => scope === preopen.scope);
      if (grant !== undefined && agent.grants.inForce(grant)) {
        directories.push([Descriptor.ofRoot(agent, preopen, grant), preopen.guest]);
      }
    }
    return directories;
  },
});
