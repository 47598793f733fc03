/** What a preparing child does with a file that nobody trusts, up to the modules that its plan is made of. */

import type { Features } from '../../metering/features.ts';
import { type MeteredModule, meterTogether } from '../../metering/meter.ts';
import { readComponent } from '../reader.ts';
import type { Component } from '../syntax.ts';
import { adaptCommand } from './adapt.ts';
import { kindOf } from './kinds.ts';
import type { ChildStage } from './protocol.ts';
import type { loadTools } from './tools.ts';
import { checkCounts, validateCode, validateStructure } from './validate.ts';

/** A file that was read, validated and metered. */
export interface MeteredFile {
  /** It was a wasip1 command. */
  readonly adapted: boolean;
  readonly component: Component;
  /** Its core modules as they stand in it, and as metering left them. */
  readonly cores: readonly Uint8Array[];
  readonly metered: readonly MeteredModule[];
}

/** @throws {RingfenceError} `RF_MODULE_INVALID`, `RF_MODULE_REFUSED` */
export async function meterFile(
  file: Uint8Array,
  {
    tools,
    features,
    stage,
  }: {
    readonly tools: Awaited<ReturnType<typeof loadTools>>;
    readonly features: Features;
    readonly stage: (name: ChildStage) => void;
  },
): Promise<MeteredFile> {
  const adapted = kindOf(file) === 'core-module';
  if (adapted) stage('adapting');
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
  return { adapted, component, cores, metered };
}
