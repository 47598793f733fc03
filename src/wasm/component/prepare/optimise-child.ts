/** The child process of the second trial: compiles the modules it is given by TurboFan, no more. */

import { RingfenceError } from '../../../errors.ts';
import { endFrame, refusalFrame, stageFrame } from './protocol.ts';
import { ownSettings, readInput, startWatchdog, writeFrames } from './settings.ts';
import { compileAll } from './trial.ts';

const settings = ownSettings();
await startWatchdog(settings);
writeFrames(stageFrame('optimising'));
try {
  compileAll(readInput(settings));
  writeFrames(endFrame());
} catch (error) {
  if (!(error instanceof RingfenceError)) throw error;
  writeFrames(refusalFrame(error));
}
process.exit(0);
