/**
 * Goal: the generated code lifts and lowers every type as the canonical ABI says. Method: components
 * whose core code hands values through untouched are run by jco's glue, with the generated bindings
 * as their imports. What jco lowers the bindings must lift, and the other way round.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contains } from '../../src/kit/bindings/code.ts';
import { embedWorld } from '../../src/kit/bindings/offered.ts';
import type { ValueType } from '../../src/wasm/component/types.ts';
import { decodeWorld, worldSection } from '../../src/wasm/component/world.ts';
import { echoComponent, echoWit, letters } from './fixtures/echo-component.ts';
import { type LoadedBindings, loadBindings } from './fixtures/load.ts';
import { type Echo, runEcho } from './fixtures/run-echo.ts';
import { everyType, randomType, seededRandom } from './fixtures/types.ts';
import { asJco, randomValue } from './fixtures/values.ts';

const RANDOM_TYPES = 20;
const isString = (type: ValueType) => type.kind === 'string';
const VALUES_PER_TYPE = 6;

/** Only strings depend on the encoding, so the second one needs only the types that have some. */
function typesFor(seed: number, encoding: 'utf8' | 'utf16'): ValueType[] {
  const random = seededRandom(seed);
  const fixed = everyType().filter((type) => encoding === 'utf8' || contains(type, isString));
  return [...fixed, ...Array.from({ length: RANDOM_TYPES }, () => randomType(random, 4))];
}

describe.each(['utf8', 'utf16'] as const)('values in %s', (encoding) => {
  const seed = encoding === 'utf8' ? 1 : 2;
  const types = typesFor(seed, encoding);
  const names = types.map((_, index) => letters(index));
  let bindings: LoadedBindings;
  let echo: Echo;

  beforeAll(async () => {
    const section = worldSection(await embedWorld(echoWit(types), 'every'));
    bindings = await loadBindings(decodeWorld(section!));
    echo = await runEcho(await echoComponent(types, encoding), bindings, names, encoding);
  });

  afterAll(async () => {
    await bindings?.dispose();
  });

  it('are lifted as jco lowered them', () => {
    const random = seededRandom(seed + 100);
    types.forEach((type, index) => {
      for (let count = 0; count < VALUES_PER_TYPE; count += 1) {
        const value = randomValue(random, type);
        const lifted = echo.take(names[index]!, asJco(type, value));
        expect(lifted, JSON.stringify(type)).toEqual(value);
      }
    });
  });

  it('are lowered so that jco lifts them', () => {
    const random = seededRandom(seed + 200);
    types.forEach((type, index) => {
      for (let count = 0; count < VALUES_PER_TYPE; count += 1) {
        const value = randomValue(random, type);
        const lifted = echo.give(names[index]!, value);
        expect(lifted, JSON.stringify(type)).toEqual(asJco(type, value));
      }
    });
  });
});
