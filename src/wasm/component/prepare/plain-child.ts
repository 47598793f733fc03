/**
 * The child process that makes of a module one without metering, for `ringfence bench` to compare with: it does
 * all that the preparing child does, and then answers with the core modules as they stand in the file. It is
 * a program of its own, so that the one that prepares what runs has no switch that turns metering off.
 */

import { RingfenceError } from '../../../errors.ts';
import { offeredWorld } from '../offered.ts';
import { planComponent } from '../plan.ts';
import { meterFile } from './metered-file.ts';
import { answerFrames, type ChildAnswer, refusalFrame, stageFrame } from './protocol.ts';
import { ownSettings, readInput, startWatchdog, writeFrames } from './settings.ts';
import { loadTools } from './tools.ts';

const settings = ownSettings();
// Nothing hostile is read before the watchdog watches.
const [tools] = await Promise.all([loadTools(), startWatchdog(settings)]);
try {
  const [bytes] = readInput(settings);
  writeFrames(answerFrames(await answerTo(bytes!)));
} catch (error) {
  // Anything else is a fault of ours: it ends the process, and the parent says so.
  if (!(error instanceof RingfenceError)) throw error;
  writeFrames(refusalFrame(error));
}
process.exit(0);

async function answerTo(file: Uint8Array): Promise<ChildAnswer> {
  const { features } = settings;
  const stage = (name: Parameters<typeof stageFrame>[0]) => writeFrames(stageFrame(name));
  const { adapted, component, cores, metered } = await meterFile(file, { tools, features, stage });
  stage('planning');
  // Its memories are its own, its start function runs where V8 runs it, and nothing of it is put back.
  const plain = metered.map((module, index) => ({
    ...module,
    bytes: cores[index]!,
    startExport: null,
    image: null,
    importsMemories: false,
  }));
  const plan = planComponent(component, offeredWorld(), plain);
  return { adapted, doubtful: [], plan, modules: [...cores] };
}
