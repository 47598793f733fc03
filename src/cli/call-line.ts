/** Host calls on a line each, as `replay --trace` and `run --trace` print them, and `run` after a trap. */

import type { HostCall, TracedCall } from '../index.ts';
import { printableLine } from './printable.ts';

/** What came of a call, in words. */
function outcomeOf(call: TracedCall | HostCall): string {
  switch ('outcome' in call ? call.outcome : 'answered') {
    case 'waiting':
      return 'waits';
    case 'denied':
      return call.answer === null ? 'denied, it ended here' : `denied: ${call.answer}`;
    default:
      return call.answer ?? 'it ended here';
  }
}

const withoutFuel = (call: TracedCall | HostCall): string =>
  `${call.function}(${call.arguments}) → ${outcomeOf(call)}`;

/** `          12,345  wasi:io/streams#[method]input-stream.read(#2, 4096) → ok(12 bytes "…")`. */
export function callLine(call: TracedCall | HostCall): string {
  return printableLine(`${call.fuel.toLocaleString('en-US').padStart(16)}  ${withoutFuel(call)}`);
}

/** The same without the fuel, below other lines. */
export function callLineShort(call: HostCall): string {
  return printableLine(withoutFuel(call));
}
