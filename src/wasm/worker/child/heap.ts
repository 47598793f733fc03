/** The heap of an agent's process, as V8 tells of it. */

import { getHeapStatistics } from 'node:v8';
import type { Heap } from '../heap-account.ts';

/** This process's heap. The process was started with `--expose-gc`. */
export function heapOfProcess(): Heap {
  const { gc: collect } = globalThis;
  if (collect === undefined) {
    throw new Error('the process was started without --expose-gc');
  }
  return {
    bytesMax: getHeapStatistics().heap_size_limit,
    usedBytes: () => getHeapStatistics().used_heap_size,
    collect: () => collect(),
  };
}
