/**
 * The child process that reads a module nobody trusts: adapts, validates, plans, meters and compiles
 * it, and answers with frames (protocol.ts). It is the only process that does so; it has no rights and
 * is ended from outside when it takes too much.
 */

import { RingfenceError } from '../../../errors.ts';
import { meterTogether } from '../../metering/meter.ts';
import { offeredWorld } from '../offered.ts';
import { planComponent } from '../plan.ts';
import { readComponent } from '../reader.ts';
import { adaptCommand } from './adapt.ts';
import { kindOf } from './kinds.ts';
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
import { checkCounts, validateCode, validateStructure } from './validate.ts';

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
  const adapted = kindOf(file) === 'core-module';
  if (adapted) stage('adapting');
  const { features } = settings;
  const bytes = adapted ? await adaptCommand(file, tools, features) : file;

  // Our own reader is first: it has a cap on everything, jco's tools have not.
  stage('reading');
  const component = readComponent(bytes);
  const cores = component.modules.map((module) => module.bytes);
  checkCounts(cores, features);
  stage('validating');
  await validateStructure(bytes, tools);
  validateCode(cores, features);
  stage('metering');
  const metered = meterTogether(cores, {}, { importMemories: true, features });
  stage('planning');
  const plan = planComponent(component, offeredWorld(), metered);
  stage('compiling');
  const modules = metered.map((module) => module.bytes);
  compileAll(modules);
  const doubtful = metered.flatMap((module, index) => (module.doubtful ? [index] : []));
  return { adapted, doubtful, plan, modules };
}
