/** What metering costs: the same modules plain, metered and metered without preemption. */

import type { Part } from '../measure.ts';
import { coldRows } from './cold.ts';
import { peerRows } from './peer.ts';
import { growthRows, rewriterRows } from './rewriter.ts';
import { kernelRows, programRows } from './steady.ts';

export const metering: Part = {
  name: 'metering',
  what: 'metered code against the plain module, in turns; the rewriter itself (some minutes)',
  async run() {
    return [
      ...(await kernelRows()),
      ...(await peerRows()),
      ...(await programRows()),
      ...(await coldRows()),
      ...(await rewriterRows()),
      ...growthRows(),
    ];
  },
};
