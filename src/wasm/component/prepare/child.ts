/**
 * The child process that reads a module nobody trusts: adapts, validates, plans, meters and compiles
 * it, and answers with frames (protocol.ts). It is the only process that does so; it has no rights and
 * is ended from outside when it takes too much.
 */

import { RingfenceError } from '../../../errors.ts';
import { offeredWorld } from '../offered.ts';
import { planComponent } from '../plan.ts';
import { meterFile } from './metered-file.ts';
import {
  answerFrames,
  type ChildAnswer,
  type ChildStage,
  refusalFrame,
  stageFrame,
} from './protocol.ts';
import { ownSettings, readInput, startWatchdog, writeFrames } from './settings.ts';
import { loadTools } from './tools.ts';
import { compileAll } from './trial.ts';

const settings = ownSettings();
stage('loading the tools');
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

function stage(name: ChildStage): void {
  writeFrames(stageFrame(name));
}

async function answerTo(file: Uint8Array): Promise<ChildAnswer> {
  const { features } = settings;
  const { adapted, component, metered } = await meterFile(file, { tools, features, stage });
  stage('planning');
  const plan = planComponent(component, offeredWorld(), metered);
  stage('compiling');
  const modules = metered.map((module) => module.bytes);
  compileAll(modules);
  const doubtful = metered.flatMap((module, index) => (module.doubtful ? [index] : []));
  return { adapted, doubtful, plan, modules };
}
