import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bodyOf, draft, NO_HASH, type StoredEvent, saidIn } from './event.ts';

it('what an event says itself is read as from the whole, also where a payload or a name looks like a body', () => {
  const tricky = fc.constantFrom(
    '","module":',
    ',"payload":',
    ',"pid":7,"prev":"',
    ',"chain":"',
    'plain',
    'é“\n\t\\"',
  );
  const data = fc.jsonValue({ maxDepth: 3 }).chain((value) =>
    fc.record({
      chain: tricky,
      module: fc.constant(null),
      payload: fc.constant(value),
      pid: fc.nat(),
      prev: tricky,
    }),
  );
  fc.assert(
    fc.property(tricky, data, tricky, fc.nat(), (agentId, value, name, pid) => {
      const event = draft({ kind: 'app.event', pid, agentId, payload: { data: value, name } }, 1);
      const body = bodyOf(event, '00'.repeat(16), NO_HASH, 5);
      const { agent_id, module, payload } = JSON.parse(body) as StoredEvent;
      expect(saidIn(body)).toEqual({ agent_id, module, payload, pid });
    }),
  );
});
