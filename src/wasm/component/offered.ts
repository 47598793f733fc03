/**
 * The interfaces that ringfence offers to components, with their types: what imports are compared with.
 */

import { Buffer } from 'node:buffer';
import { OFFERED_WORLD_BASE64 } from '../host/generated/offered-world.ts';
import { parseInterfaceName } from './names.ts';
import type { InstanceType } from './types.ts';
import { decodeWorld, type World } from './world.ts';

/** One interface that is offered. */
export interface OfferedInterface {
  /** Without its version: `wasi:io/streams`. */
  readonly interface: string;
  /** Of the text that its type was made from: `0.2.12`. */
  readonly version: string;
  readonly type: InstanceType;
}

/** All of them, by their names without version. */
export type Offered = ReadonlyMap<string, OfferedInterface>;

/** What a world offers whose imports are what the host implements. */
export function offeredBy(world: World): Offered {
  const offered = new Map<string, OfferedInterface>();
  for (const [key, type] of world.imports) {
    const name = parseInterfaceName(key);
    if (name?.version == null || type.kind !== 'instance') continue;
    offered.set(name.interface, { interface: name.interface, version: name.version, type });
  }
  return offered;
}

/** What this ringfence offers. Decodes it anew at each call (15 ms): keep it. */
export function offeredWorld(): Offered {
  return offeredBy(decodeWorld(Buffer.from(OFFERED_WORLD_BASE64, 'base64')));
}
