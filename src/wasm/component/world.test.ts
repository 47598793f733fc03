/**
 * Goal: a world decoded from what jco embeds has every interface, type and function of its WIT, each
 * type once. Method: our own world, and one with resources that interfaces take over from each other.
 */

import { readFileSync } from 'node:fs';
import { componentEmbed } from '@bytecodealliance/jco';
import { describe, expect, test } from 'vitest';
import { refusalOf, sectionsOf } from '../../../test/support/components.ts';
import { offeredBy, offeredWorld } from './offered.ts';
import { decodeWorld, type World, worldSection } from './reader.ts';
import type { ExternType, InstanceType, TypeExtern } from './types.ts';

async function worldOf(witSource: string, world: string): Promise<World> {
  const module = await componentEmbed({ witSource, world, dummy: true });
  return decodeWorld(worldSection(new Uint8Array(module))!);
}

function instance(type: ExternType | undefined): InstanceType {
  expect(type?.kind).toBe('instance');
  return type as InstanceType;
}

function namedType(world: World, interfaceName: string, name: string): TypeExtern['type'] {
  const found = instance(world.imports.get(interfaceName)).exports.get(name);
  expect(found?.kind).toBe('type');
  return (found as TypeExtern).type;
}

const RESOURCES = `package test:resources@1.2.3;
interface owner {
  resource thing { constructor(size: u32); look: func() -> thing; count: static func() -> u32; }
  record pair { first: own<thing>, second: u8 }
  type alias = pair;
}
interface user {
  use owner.{thing, pair as couple};
  give: func(couple: couple, thing: borrow<thing>) -> list<thing>;
}
world both { import owner; import user; export owner; export start: func(); }`;

describe('a world', () => {
  test('has the interfaces and functions of its WIT in their order', async () => {
    const text = readFileSync(new URL('../../../wit/agent.wit', import.meta.url), 'utf8');
    const world = await worldOf(text, 'agent');
    expect(world.name).toBe('ringfence:agent/agent@0.1.0');
    expect([...world.exports.keys()]).toEqual(['run']);
    expect(world.exports.get('run')).toEqual({
      kind: 'func',
      params: [],
      result: { kind: 'result', ok: null, err: { kind: 'string' } },
    });
    const timers = instance(world.imports.get('ringfence:agent/timers@0.1.0')).exports;
    expect([...timers].filter(([, type]) => type.kind === 'func').map(([name]) => name)).toEqual([
      ...['after', 'every', 'cancel'],
    ]);
    const types = 'ringfence:agent/types@0.1.0';
    expect(namedType(world, 'ringfence:agent/ipc@0.1.0', 'payload')).toBe(
      namedType(world, types, 'payload'),
    );
    expect(namedType(world, types, 'pid')).not.toBe(namedType(world, types, 'timer-id'));
  });

  test('keeps types that interfaces take over, and the owner of resources', async () => {
    const world = await worldOf(RESOURCES, 'both');
    const [owner, user] = ['test:resources/owner@1.2.3', 'test:resources/user@1.2.3'];
    const thing = namedType(world, owner, 'thing');
    expect(thing).toEqual({ kind: 'resource', name: 'thing', interfaceName: owner });
    expect(namedType(world, user, 'thing')).toBe(thing);
    expect(namedType(world, user, 'couple')).toBe(namedType(world, owner, 'pair'));
    expect(namedType(world, owner, 'alias')).toBe(namedType(world, owner, 'pair'));
    const give = instance(world.imports.get(user)).exports.get('give');
    expect(give).toMatchObject({
      kind: 'func',
      params: [
        { name: 'couple', type: { kind: 'record' } },
        { name: 'thing', type: { kind: 'borrow', resource: thing } },
      ],
    });
    expect([...instance(world.imports.get(owner)).exports.keys()]).toEqual(
      expect.arrayContaining([
        ...['[constructor]thing', '[method]thing.look', '[static]thing.count'],
      ]),
    );
  });

  test('has other resources behind an export than behind an import of one interface', async () => {
    const world = await worldOf(RESOURCES, 'both');
    const exported = instance(world.exports.get('test:resources/owner@1.2.3')).exports.get('thing');
    const imported = namedType(world, 'test:resources/owner@1.2.3', 'thing');
    expect(exported).toEqual({ kind: 'type', type: imported });
    expect((exported as TypeExtern).type).not.toBe(imported);
  });

  test('is not found where there is none', () => {
    const [noWorld, other] = [sectionsOf(), sectionsOf([8, [1, 0x03, 0]])];
    for (const bytes of [noWorld, other]) {
      expect(refusalOf(() => decodeWorld(bytes)).code).toBe('RF_MODULE_INVALID');
    }
    expect(worldSection(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))).toBeNull();
  });
});

describe('what is offered', () => {
  test('is what the generated world imports, by names without version', () => {
    const offered = offeredWorld();
    expect(offered.get('wasi:io/streams')?.version).toBe('0.2.12');
    expect(offered.get('ringfence:agent/ipc')?.version).toBe('0.1.0');
    expect(offered.has('wasi:io/streams@0.2.12')).toBe(false);
  });

  test('leaves out what is no interface with a version', async () => {
    const world = await worldOf(
      'package a:b; interface c { f: func(); } world w { import c; import g: func(); }',
      'w',
    );
    expect([...offeredBy(world).keys()]).toEqual([]);
    expect(world.imports.size).toBe(2);
  });
});
