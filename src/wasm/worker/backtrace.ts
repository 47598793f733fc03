/** Where a guest stands, as the engine's traces tell it. */

import { type MeteredPlace, PLACES_MAX } from '../../process/diagnosis.ts';

/** Metered modules are named by their place in their component (meterTogether), and the engine adds a hash. */
const MODULE_URL = /^wasm:\/\/wasm\/(\d{1,3})-[0-9a-f]+$/;

/** Agents of this thread whose traces are wanted; traces of all others cost more than their traps then. */
let wanted = 0;
let limitBefore = 0;

/** From here on the engine keeps the trace of each error of this thread, until `unwantTraces`. */
export function wantTraces(): void {
  if (wanted === 0) {
    limitBefore = Error.stackTraceLimit;
    Error.stackTraceLimit = PLACES_MAX;
  }
  wanted += 1;
}

/** The engine keeps them no more, when all who wanted them have said so. */
export function unwantTraces(): void {
  wanted -= 1;
  if (wanted === 0) {
    Error.stackTraceLimit = limitBefore;
  }
}

/** Where the guest stood whose trap `error` is; empty: that is no trap, or of no guest. */
export function placesOf(error: unknown): MeteredPlace[] {
  return error instanceof Error ? placesOfTrace(error) : [];
}

/** Where the guest stands that has called the host. */
export function placesHere(): MeteredPlace[] {
  const holder: { readonly stack?: unknown } = {};
  Error.captureStackTrace(holder, placesHere);
  return placesOfTrace(holder);
}

function placesOfTrace(holder: { readonly stack?: unknown }): MeteredPlace[] {
  const before = Error.prepareStackTrace;
  let places: MeteredPlace[] = [];
  Error.prepareStackTrace = (_, sites) => {
    places = sites.flatMap(placeOf);
    return '';
  };
  try {
    // The engine makes the text of a trace when it is first read.
    void holder.stack;
  } finally {
    Error.prepareStackTrace = before;
  }
  return places;
}

function placeOf(site: NodeJS.CallSite): MeteredPlace[] {
  const module = MODULE_URL.exec(site.getScriptNameOrSourceURL() ?? '')?.[1];
  return module === undefined ? [] : [{ module: Number(module), offset: site.getPosition() }];
}
