/** Spawns and exits of agents are written as all other events are, whatever was kept of those before. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentDrafts } from './agent-drafts.ts';
import { CanonicalJson, canonical } from './canonical.ts';
import { draft } from './event.ts';

const module = fc.constantFrom(null, 'ab'.repeat(32), 'cd'.repeat(32));
/** Few values, so that one event is often like the one before. */
const text = fc.oneof(fc.constantFrom('a', 'b"', 'x'.repeat(300)), fc.string({ unit: 'binary' }));
const orNull = <Value>(values: fc.Arbitrary<Value>) => fc.oneof(fc.constant(null), values);
const number = fc.oneof(fc.constantFrom(0, 1), fc.nat());
const agent = fc.record({ pid: number, agentId: text, module });

const spawn = fc.record({
  grants: fc.constantFrom('[]', '[{"kind":"network"}]', canonical(['x'.repeat(5000)])),
  isolation: fc.constantFrom('shared', 'thread'),
  limits: fc.constantFrom('{"fuel":0}', '{"fuel":1}'),
  owner: orNull(text),
  parentPid: number,
  restartedFrom: orNull(number),
});

const exit = fc.record({
  code: orNull(fc.constantFrom(0, 1, -3)),
  denials: number,
  fuelTable: fc.constantFrom('1', '2'),
  message: orNull(text),
  reason: fc.constantFrom('normal', 'trap'),
});

describe('the events that come with each agent', () => {
  it('are spawns as any event is written', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(agent, spawn), { maxLength: 20 }), (spawns) => {
        const drafts = new AgentDrafts();
        for (const [whom, said] of spawns) {
          const payload = {
            backend: whom.module === null ? 'native' : 'wasm',
            grants: new CanonicalJson(said.grants),
            isolation: said.isolation,
            limits: new CanonicalJson(said.limits),
            owner: said.owner,
            parent_pid: said.parentPid,
            restarted_from: said.restartedFrom,
          };
          const expected = draft({ kind: 'agent.spawn', ...whom, payload }, 7);
          expect(drafts.spawn(whom, said, 7)).toEqual(expected);
        }
      }),
    );
  });

  it('are exits as any event is written', () => {
    const usage = fc.constantFrom('{"fuel":0}', '{"fuel":1.5}');
    fc.assert(
      fc.property(fc.array(fc.tuple(agent, exit, usage), { maxLength: 20 }), (exits) => {
        const drafts = new AgentDrafts();
        for (const [whom, said, used] of exits) {
          const { fuelTable, ...rest } = said;
          const payload = { ...rest, fuel_table: fuelTable, usage: new CanonicalJson(used) };
          const expected = draft({ kind: 'agent.exit', ...whom, payload }, 7);
          expect(drafts.exit(whom, said, used, 7)).toEqual(expected);
        }
      }),
    );
  });

  it('are of any number of modules', () => {
    const drafts = new AgentDrafts();
    const said = { grants: '[]', isolation: 'shared', limits: '{}', owner: null, parentPid: 0 };
    for (let index = 0; index < 1000; index += 1) {
      const digest = index.toString(16).padStart(64, '0');
      const whom = { pid: index, agentId: 'many', module: digest };
      const { middle } = drafts.spawn(whom, { ...said, restartedFrom: null }, 7);
      expect(middle).toContain(`"module":"${digest}"`);
    }
  });
});
