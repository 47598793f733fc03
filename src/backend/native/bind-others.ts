/** Binds what a function's context has of links and monitors. */

import * as z from 'zod';
import type { Functions } from '../../wasm/host/generated/ringfence-agent-process.ts';
import { others } from '../../wasm/host/ringfence/process.ts';
import { type Asked, unwrap, wasFound } from './answers.ts';
import { Call, type Calling } from './call.ts';
import type { WorkContext } from './context.ts';
import { asking, hostFunctionOf, idSchema, read } from './edge.ts';

const link = hostFunctionOf<Functions, 'link'>(others, 'link');
const unlink = hostFunctionOf<Functions, 'unlink'>(others, 'unlink');
const monitor = hostFunctionOf<Functions, 'monitor'>(others, 'monitor');
const demonitor = hostFunctionOf<Functions, 'demonitor'>(others, 'demonitor');
const stop = hostFunctionOf<Functions, 'stop'>(others, 'stop');
const trapExit = hostFunctionOf<Functions, 'trap-exit'>(others, 'trap-exit');

const pidSchema = z.strictObject({ pid: idSchema });
const monitorSchema = z.strictObject({ monitor: idSchema });
const enabledSchema = z.strictObject({ enabled: z.boolean() });

const stopSchema = z.strictObject({ pid: idSchema, force: z.boolean().optional() });

type Others = Pick<WorkContext, 'stop' | 'link' | 'unlink' | 'monitor' | 'demonitor' | 'trapExit'>;

/** The part of a context that is for other agents' ends. */
export function othersOf(agent: Calling, signal: AbortSignal): Others {
  const asked = (what: string): Asked => ({ what, pid: agent.pid, signal });
  return {
    stop: (pid, options = {}) =>
      asking(agent, async () => {
        const { force = false } = read('stop', stopSchema, { ...options, pid });
        const mode = force ? 'force' : 'graceful';
        unwrap(await new Call(agent).run(stop, BigInt(pid), mode), asked(`stop pid ${pid}`));
      }),
    link: (pid) =>
      asking(agent, async () => {
        read('link', pidSchema, { pid });
        unwrap(await new Call(agent).run(link, BigInt(pid)), asked(`link pid ${pid}`));
      }),
    unlink: (pid) =>
      asking(agent, async () => {
        read('unlink', pidSchema, { pid });
        unwrap(await new Call(agent).run(unlink, BigInt(pid)), asked(`unlink pid ${pid}`));
      }),
    monitor: (pid) =>
      asking(agent, async () => {
        read('monitor', pidSchema, { pid });
        const result = await new Call(agent).run(monitor, BigInt(pid));
        return Number(unwrap(result, asked(`monitor pid ${pid}`)));
      }),
    demonitor: (id) =>
      asking(agent, async () => {
        read('give the monitor up', monitorSchema, { monitor: id });
        const result = await new Call(agent).run(demonitor, BigInt(id));
        return wasFound(result, asked(`give the monitor ${id} up`));
      }),
    trapExit: (enabled) =>
      asking(agent, async () => {
        read('trap exits', enabledSchema, { enabled });
        unwrap(await new Call(agent).run(trapExit, enabled), asked('trap exits'));
      }),
  };
}
