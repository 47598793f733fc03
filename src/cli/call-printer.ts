/** Prints the host calls of a run as they are made: `run --trace`. */

import type { HostCall } from '../index.ts';
import { callLine } from './call-line.ts';
import type { Outlet } from './outlet.ts';
import { printableJson } from './printable.ts';

/**
 * A listener to the calls of an agent. It resolves when a line was taken over by whoever reads, so that the
 * module waits for a slow reader and no line is dropped; of one that is gone nobody waits.
 */
export function callPrinter(outlet: Outlet, json: boolean): (call: HostCall) => Promise<void> {
  return async (call) => {
    const line = json ? printableJson(call) : callLine(call);
    const start = outlet.atLineStart ? '' : '\n';
    await outlet.write(Buffer.from(`${start}${line}\n`)).catch(() => {});
  };
}
