/** The resource tree: what events make of it, its bytes, its bounds, and that it is the same read again. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DESCENDANTS_MAX as SCORED_DESCENDANTS_MAX } from '../../scores/book.ts';
import { canonical } from '../canonical.ts';
import { Chain, type ChainState, newChain } from '../chain.ts';
import { draft } from '../event.ts';
import { rootOf } from '../merkle.ts';
import type { AuditEvent } from '../vocabulary.ts';
import { DESCENDANTS_MAX, ENTRIES_MAX } from './entries.ts';
import { type AgentEntry, entryOfText, entryText, TREE_FORMAT } from './entry.ts';
import { ResourceTree, RUNNING_MAX } from './resource-tree.ts';
import { UpdatedTree } from './updated-tree.ts';

const leaf = (index: number): string => String(index).padStart(32, '.');

describe('a tree whose leaves change', () => {
  it('has the root of the leaves that it has, whatever was changed in which order', () => {
    const steps = fc.array(fc.tuple(fc.nat(), fc.nat(999), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (all) => {
        const tree = new UpdatedTree();
        const leaves: string[] = [];
        for (const [at, value, isAsked] of all) {
          const index = at % (leaves.length + 1);
          leaves[index] = leaf(value);
          tree.set(index, leaf(value));
          if (isAsked) {
            expect(tree.root()).toBe(rootOf(leaves));
          }
        }
        expect(tree.root()).toBe(rootOf(leaves));
      }),
    );
  });
});

/** A tree over a chain that a test writes. */
class Written {
  readonly chain = new Chain(newChain('00'.repeat(16)) satisfies ChainState);
  readonly tree = new ResourceTree();

  add(event: AuditEvent): this {
    for (const entry of this.chain.append([draft({ timeMs: 1, ...event }, 1)])) {
      this.tree.apply(entry);
    }
    return this;
  }

  spawn(pid: number, agentId: string, parentPid = 0, module: string | null = null): this {
    return this.add({
      kind: 'agent.spawn',
      pid,
      agentId,
      module,
      payload: {
        backend: 'native',
        grants: [],
        isolation: 'shared',
        limits: {},
        owner: null,
        parent_pid: parentPid,
        restarted_from: null,
      },
    });
  }

  exit(pid: number, reason = 'normal', code: number | null = 0): this {
    const rest = { denials: 0, fuel_table: '1', message: null, usage: {} };
    return this.add({ kind: 'agent.exit', pid, payload: { ...rest, code, reason } });
  }

  reopen(): this {
    return this.add({ kind: 'chain.open', payload: { software: 'test', unsigned: 0 } });
  }

  agent(...name: string[]): AgentEntry | undefined {
    return this.tree.find('agent', name)?.entry as AgentEntry | undefined;
  }
}

describe('the resource tree', () => {
  it('counts the agents of one name, and blends what their exits say', () => {
    const written = new Written().spawn(1, 'worker').spawn(2, 'worker').exit(1);
    expect(written.agent('worker')).toMatchObject({
      running: 1,
      runs: 2,
      pid: 2,
      exit: { code: 0, reason: 'normal' },
      scored: 1,
      score: { trust: 0.7 * 0.5 + 0.3 * 0.8, velocity: 0.5 },
    });
    written.exit(2, 'trap', -3);
    expect(written.agent('worker')).toMatchObject({ running: 0, scored: 2, exit: { code: -3 } });
    const { score } = written.agent('worker') as AgentEntry;
    written.spawn(3, 'worker').exit(3, 'killed', -1);
    expect(written.agent('worker')).toMatchObject({ runs: 3, scored: 2, score });
    expect(written.tree.size).toBe(1);
  });

  it('keeps whom an agent has spawned under the name of the one that the program did', () => {
    const written = new Written().spawn(1, 'root').spawn(2, 'victim').spawn(3, 'victim', 1);
    written.spawn(4, 'grandchild', 3).exit(3, 'trap', -3).exit(4, 'trap', -3);
    expect(written.agent('victim')).toMatchObject({ running: 1, scored: 0 });
    expect(written.agent('root', 'victim')).toMatchObject({ running: 0, scored: 1 });
    expect(written.agent('root', 'grandchild')).toMatchObject({ scored: 1, parent_pid: 3 });
    for (let child = 0; child < 100; child += 1) {
      written.spawn(10 + child, `child-${child}`, 1).exit(10 + child);
    }
    expect(written.tree.size).toBe(2 + DESCENDANTS_MAX);
    expect(written.agent('root', 'child-0')).toMatchObject({ scored: 1 });
    expect(written.agent('root', 'child-99')).toBeUndefined();
  });

  it('has as many names under another as there are scores of them', () => {
    expect(DESCENDANTS_MAX).toBe(SCORED_DESCENDANTS_MAX);
  });

  it('has tools, services and modules, as long as they are there and afterwards', () => {
    const written = new Written()
      .add({ kind: 'module.load', module: 'ab'.repeat(32), payload: { bytes: 7, cached: false } })
      .add({ kind: 'module.load', module: 'ab'.repeat(32), payload: { bytes: 7, cached: true } })
      .add({ kind: 'tool.register', payload: { description: 'cd'.repeat(32), tool: 'add' } })
      .add({ kind: 'tool.unregister', payload: { tool: 'add' } })
      .add({ kind: 'tool.unregister', payload: { tool: 'never' } })
      .add({ kind: 'service.register', pid: 4, payload: { service: 'clock' } });
    expect([...written.tree.entries()]).toMatchObject([
      { kind: 'module', bytes: 7, loads: 2 },
      { kind: 'tool', name: ['add'], registered: false, description: 'cd'.repeat(32) },
      { kind: 'service', name: ['clock'], registered: true, pid: 4 },
    ]);
  });

  it('says of what a program had that is gone that it was lost', () => {
    const written = new Written().spawn(1, 'worker').spawn(2, 'done').exit(2);
    written.add({ kind: 'service.register', pid: 1, payload: { service: 'clock' } }).reopen();
    expect(written.agent('worker')).toMatchObject({
      running: 0,
      scored: 0,
      exit: { code: null, reason: 'lost' },
    });
    expect(written.agent('done')).toMatchObject({ exit: { reason: 'normal' } });
    expect(written.tree.find('service', ['clock'])?.entry).toMatchObject({ registered: false });
    // Pids begin again: this one is another.
    written.spawn(1, 'other').exit(1, 'trap', -3);
    expect(written.agent('worker')).toMatchObject({ scored: 0 });
  });

  it('ends an agent whose pid another one is spawned under', () => {
    const written = new Written().spawn(1, 'first').spawn(1, 'second').exit(1);
    expect(written.agent('first')).toMatchObject({ running: 0, exit: { reason: 'lost' } });
    expect(written.agent('second')).toMatchObject({ running: 0, exit: { reason: 'normal' } });
  });

  it.each([
    '/',
    '..',
    '../..',
    'a/b',
    'a\0b',
    '\0',
    '',
    '__proto__',
    'constructor',
    '\ud800',
    'a\ud800b',
    '","kind":"agent.exit',
    '\u2028',
    '"',
    '\\',
    'ä'.repeat(300),
  ])('takes a name as it is: %j', (name) => {
    const written = new Written().spawn(1, 'plain').spawn(2, name).exit(2);
    const held = name.slice(0, 256).toWellFormed();
    expect(written.agent(held)).toMatchObject({ name: [held], scored: 1 });
    expect(written.agent('plain')).toMatchObject({ running: 1 });
    expect(written.tree.size).toBe(2);
  });

  it('keeps names apart that would be one path', () => {
    const written = new Written().spawn(1, 'a').spawn(2, 'b', 1).spawn(3, 'a/b').spawn(4, 'a","b');
    expect(written.tree.size).toBe(4);
    expect(written.agent('a', 'b')).toMatchObject({ pid: 2 });
  });

  it('writes entries as canonical JSON, and reads them again', () => {
    const written = new Written().spawn(1, 'a"\0', 0, 'ab'.repeat(32)).spawn(2, 'b', 1).exit(2);
    written.add({
      kind: 'module.load',
      module: 'ab'.repeat(32),
      payload: { bytes: 7, cached: false },
    });
    written.add({ kind: 'tool.register', payload: { description: 'cd'.repeat(32), tool: 't' } });
    written.add({ kind: 'service.register', pid: 4, payload: { service: 's' } });
    expect(written.tree.size).toBe(5);
    for (const entry of written.tree.entries()) {
      expect(entryText(entry)).toBe(canonical({ ...entry, v: TREE_FORMAT }));
      expect(entryOfText(entryText(entry))).toEqual(entry);
    }
  });

  it('is the same read again, and goes on so', () => {
    const step = fc.record({
      what: fc.constantFrom('spawn', 'exit', 'reopen', 'tool', 'untool'),
      pid: fc.integer({ min: 1, max: 6 }),
      parent: fc.integer({ min: 0, max: 6 }),
      name: fc.constantFrom('a', 'b', 'c'),
      reason: fc.constantFrom('normal', 'trap', 'killed'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, cut) => {
        const written = new Written();
        const rows = new Map<number, string>();
        const running = new Map<number, { root: string; key: string | null }>();
        let again: ResourceTree | null = null;
        const keep = (tree: ResourceTree): void => {
          const changes = tree.changes();
          for (const { index, text } of changes.entries) {
            rows.set(index, text);
          }
          for (const { pid, ...row } of changes.began) {
            running.set(pid, row);
          }
          for (const pid of changes.ended) {
            expect(running.delete(pid)).toBe(true);
          }
        };
        for (const [index, { what, pid, parent, name, reason }] of steps.entries()) {
          if (index === cut) {
            keep(written.tree);
            const texts = Array.from({ length: rows.size }, (_, at) => rows.get(at) as string);
            again = ResourceTree.of(
              texts.map(entryOfText),
              Array.from(running, ([key, row]) => ({ pid: key, ...row })),
            );
            expect(again.root()).toBe(written.tree.root());
          }
          const events = new Chain(written.chain.state);
          const event = eventOf(what, { pid, parent, name, reason });
          const entries = events.append([draft({ timeMs: 1, ...event }, 1)]);
          written.add(event);
          for (const entry of entries) {
            again?.apply(entry);
          }
        }
        if (again !== null) {
          expect(again.root()).toBe(written.tree.root());
        }
      }),
    );
  });

  it('has a bound, and beyond it forgets first who has not changed for longest and does not live', () => {
    const written = new Written()
      .spawn(1, 'lives')
      .spawn(2, 'old')
      .exit(2)
      .spawn(3, 'older')
      .exit(3);
    written.spawn(2, 'old').exit(2);
    for (let index = 3; index < ENTRIES_MAX; index += 1) {
      written.spawn(index + 1, `agent-${index}`).exit(index + 1);
    }
    expect(written.tree.size).toBe(ENTRIES_MAX);
    expect(written.agent('older')).toBeDefined();
    written.spawn(7, 'newer').exit(7);
    expect(written.tree.size).toBe(ENTRIES_MAX);
    expect(written.agent('older')).toBeUndefined();
    expect(written.agent('newer')).toBeDefined();
    written.spawn(8, 'newest').exit(8);
    expect(written.agent('old')).toBeUndefined();
    expect(written.agent('lives')).toMatchObject({ running: 1 });
    const leaves = Array.from(written.tree.entries(), entryText);
    expect(new Set(leaves).size).toBe(ENTRIES_MAX);
    written.tree.root();
    expect(written.tree.root()).toBe(rootOf([...written.tree.leaves]));
  }, 120_000);

  it('takes who was spawned first for lost where more run than may', () => {
    const written = new Written().spawn(1, 'first').spawn(2, 'second');
    for (let pid = 3; pid <= RUNNING_MAX; pid += 1) {
      written.spawn(pid, 'many');
    }
    expect(written.agent('first')).toMatchObject({ running: 1, exit: null });
    written.spawn(RUNNING_MAX + 1, 'many');
    expect(written.agent('first')).toMatchObject({ running: 0, exit: { reason: 'lost' } });
    expect(written.agent('second')).toMatchObject({ running: 1, exit: null });
  }, 120_000);
});

function eventOf(
  what: string,
  given: { pid: number; parent: number; name: string; reason: string },
): AuditEvent {
  const made = new Written();
  const { pid, parent, name, reason } = given;
  let event: AuditEvent | null = null;
  made.add = (one: AuditEvent) => {
    event = one;
    return made;
  };
  switch (what) {
    case 'spawn':
      made.spawn(pid, name, parent);
      break;
    case 'exit':
      made.exit(pid, reason);
      break;
    case 'reopen':
      made.reopen();
      break;
    case 'tool':
      made.add({ kind: 'tool.register', payload: { description: 'cd'.repeat(32), tool: name } });
      break;
    default:
      made.add({ kind: 'tool.unregister', payload: { tool: name } });
  }
  return event as unknown as AuditEvent;
}
