/**
 * The child process that says what places of metered code are in the component that nobody trusts: it
 * meters the component again, as the child that prepared it did, and this time notes where all code
 * comes from.
 */

import * as z from 'zod';
import { RingfenceError } from '../../../errors.ts';
import { DEFAULT_METER_CAPS } from '../../metering/caps.ts';
import { meterTogether } from '../../metering/meter.ts';
import { decodeModule } from '../../metering/module.ts';
import { functionNames } from '../../metering/names.ts';
import { CodePositions } from '../../metering/positions.ts';
import { readComponent } from '../reader.ts';
import { adaptCommand } from './adapt.ts';
import { kindOf } from './kinds.ts';
import { type ChildStage, refusalFrame, stageFrame, toldFrames } from './protocol.ts';
import { ownSettings, readInput, startWatchdog, writeFrames } from './settings.ts';
import { FUNCTION_NAME_MAX, type LocatedPlace } from './symbolize.ts';
import { loadTools } from './tools.ts';

const wantedSchema = z.array(
  z.strictObject({ module: z.int().nonnegative(), offset: z.int().nonnegative() }),
);

const settings = ownSettings();
stage('loading the tools');
const [tools] = await Promise.all([loadTools(), startWatchdog(settings)]);
try {
  const [bytes, wanted] = readInput(settings);
  const places = wantedSchema.parse(JSON.parse(new TextDecoder().decode(wanted)));
  writeFrames(toldFrames(await locate(bytes!, places)));
} catch (error) {
  if (!(error instanceof RingfenceError)) throw error;
  writeFrames(refusalFrame(error));
}
process.exit(0);

function stage(name: ChildStage): void {
  writeFrames(stageFrame(name));
}

async function locate(
  file: Uint8Array,
  wanted: z.infer<typeof wantedSchema>,
): Promise<(LocatedPlace | null)[]> {
  const { features } = settings;
  const adapted = kindOf(file) === 'core-module';
  if (adapted) stage('adapting');
  const component = adapted ? await adaptCommand(file, tools, features) : file;
  stage('reading');
  const cores = readComponent(component).modules.map(({ bytes }) => bytes);
  stage('metering');
  const positions = cores.map(() => new CodePositions());
  meterTogether(cores, {}, { importMemories: true, features, positions });
  const found = wanted.map(({ module, offset }) => positions[module]?.locate(offset) ?? null);
  const names = cores.map((bytes, module) =>
    functionNames(
      decodeModule(bytes, DEFAULT_METER_CAPS, features),
      new Set(
        found.flatMap((at, index) => (at && wanted[index]?.module === module ? [at.function] : [])),
      ),
    ),
  );
  return found.map((at, index) => {
    if (at === null) return null;
    const { module } = wanted[index]!;
    const name = names[module]?.get(at.function)?.slice(0, FUNCTION_NAME_MAX) ?? null;
    return { module, function: at.function, name, offset: at.offset };
  });
}
