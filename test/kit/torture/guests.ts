/** The same guest of the torture world in AssemblyScript and in JavaScript: each hands everything on. */

import { ALL, passName } from './world.ts';

const types = (names: readonly string[]) =>
  [
    ...new Set(names.filter((name) => /^(Colour|Point|Shape|ManyCases|In[A-Z]\w*)$/.test(name))),
  ].join(', ');

/** In AssemblyScript, over the generated bindings. */
export const ASSEMBLYSCRIPT_GUEST = `
import { Pair } from 'exports/torture/chamber/lending';
import { Counter as CounterBase } from 'exports/torture/chamber/counters';
import { Item as LeftItem } from 'exports/torture/chamber/left';
import { Item as RightItem } from 'exports/torture/chamber/right';
import * as hostCounters from 'torture/chamber/counters';
import * as hostLeft from 'torture/chamber/left';
import * as hostPass from 'torture/chamber/pass';
import * as hostRight from 'torture/chamber/right';
import { Token } from 'torture/chamber/tokens';
import { ${types(ALL.map(({ as }) => as))} } from 'torture/chamber/types';
import * as first from 'torture/other-1.0.0/versioned';
import * as second from 'torture/other-2.0.0/versioned';
import { Tuple2 } from 'wit/tuples';
import { add, Own } from 'wit/world';

${ALL.map((sample) => `export function ${passName(sample)}(value: ${sample.as}): ${sample.as} { return hostPass.${passName(sample)}(value); }`).join('\n')}

export function spill(
  pa: string, qa: u64, pb: string, qb: u64, pc: string, qc: u64,
  pd: string, qd: u64, pe: string, qe: u64, pf: string, qf: u64,
): Tuple2<string, u64> {
  return hostPass.spill(pa, qa, pb, qb, pc, qc, pd, qd, pe, qe, pf, qf);
}

export function leftGet(item: LeftItem, more: u32): LeftItem {
  return new LeftItem(hostLeft.get_(new hostLeft.Item(item.value), more).value);
}
export function rightGet(item: RightItem, more: u32): RightItem {
  return new RightItem(hostRight.get_(new hostRight.Item(item.value), more).value);
}
export function leftLoad(from: u32): u32 { return hostLeft.load(from); }
export function rightLoad(from: u32): u32 { return hostRight.load(from); }

let alive: u32 = 0;

export class Counter extends CounterBase {
  private count: u32;

  constructor(start: u32) {
    super();
    this.count = start;
    alive += 1;
  }
  add(by: u32): u32 {
    this.count += by;
    return this.count;
  }
  value(): u32 { return this.count; }
  static merge(one: CounterBase, other: CounterBase): CounterBase {
    return new Counter(one.value() + other.value());
  }
  twin(): Tuple2<CounterBase, CounterBase> {
    return new Tuple2<CounterBase, CounterBase>(this, this);
  }
  dispose(): void { alive -= 1; }
}

export function make(starts: Uint32Array): Array<CounterBase> {
  const made = new Array<CounterBase>();
  for (let index = 0; index < starts.length; index++) made.push(new Counter(starts[index]));
  return made;
}
/** Counts with counters of the host, which are made, lent, given away and dropped. */
export function total(counters: Array<CounterBase>): u32 {
  const lent = new Array<hostCounters.Counter>();
  for (let index = 0; index < counters.length; index++) {
    lent.push(hostCounters.Counter.create(counters[index].value()));
  }
  const sum = hostCounters.total(lent);
  const last = hostCounters.Counter.create(0);
  for (let index = 0; index < lent.length; index++) {
    last.add(lent[index].value());
  }
  const merged = lent.length == 0
    ? hostCounters.Counter.create(0)
    : hostCounters.Counter.merge(hostCounters.Counter.create(1), lent[0]);
  last.drop();
  merged.drop();
  for (let index = 1; index < lent.length; index++) lent[index].drop();
  if (lent.length > 0) hostCounters.take([lent[0]]);
  return sum;
}
export function take(counters: Array<CounterBase>): u32 {
  let sum: u32 = 0;
  for (let index = 0; index < counters.length; index++) sum += counters[index].value();
  alive -= counters.length;
  return sum;
}
export function live(): u32 { return alive; }

export function look(tokens: Array<Token>, pair: Pair): u32 {
  let sum: u32 = pair.first.value();
  const second = pair.second;
  if (second !== null) sum += second.value();
  for (let index = 0; index < tokens.length; index++) sum += tokens[index].value();
  // One that the guest gives back itself is not given back again.
  if (tokens.length > 1) tokens[0].drop();
  return sum;
}
export function keep(token: Token): u32 {
  const value = token.value();
  token.drop();
  return value;
}
export function passOn(token: Token): Token { return token; }

export function move(by: Own, from: Point): Own {
  return new Own(by.name + ' ' + add(from.x, 1).toString());
}
export function sum(a: u32, b: u32): u32 { return add(a, b); }
export function bothVersions(): string { return first.name() + ' ' + second.name(); }
export function pages(): u32 { return memory.size(); }
`;

/** In JavaScript, for componentize-js. */
export const JAVASCRIPT_GUEST = `
import * as hostCounters from 'torture:chamber/counters@1.2.3';
import * as hostLeft from 'torture:chamber/left@1.2.3';
import * as hostPass from 'torture:chamber/pass@1.2.3';
import * as hostRight from 'torture:chamber/right@1.2.3';
import * as first from 'torture:other/versioned@1.0.0';
import * as second from 'torture:other/versioned@2.0.0';
import { default as add } from 'add';

export const pass = {
${ALL.map((sample) => `  ${passName(sample)}: (value) => hostPass.${passName(sample)}(value),`).join('\n')}
  spill: (...values) => hostPass.spill(...values),
};
export const left = { get: (item, more) => hostLeft.get(item, more), load: (from) => hostLeft.load(from) };
export const right = { get: (item, more) => hostRight.get(item, more), load: (from) => hostRight.load(from) };

class Counter {
  #count;
  constructor(start) { this.#count = start; }
  add(by) { this.#count = (this.#count + by) >>> 0; return this.#count; }
  value() { return this.#count; }
  static merge(one, other) { return new Counter(one.value() + other.value()); }
  twin() { return [new Counter(this.#count), new Counter(this.#count)]; }
}
const sumOf = (counters) => counters.reduce((sum, each) => sum + each.value(), 0);
export const counters = {
  Counter,
  make: (starts) => [...starts].map((start) => new Counter(start)),
  total: (all) => sumOf(all),
  take: (all) => sumOf(all),
  live: () => 0,
};
const drop = (token) => token[Symbol.dispose]();
export const lending = {
  look: (tokens, { first, second }) => {
    const all = second == null ? [first, ...tokens] : [first, second, ...tokens];
    return all.reduce((sum, each) => sum + each.value(), 0);
  },
  keep: (token) => { const value = token.value(); drop(token); return value; },
  passOn: (token) => token,
};
export const move = (by, from) => ({ name: by.name + ' ' + add(from.x, 1) });
export const sum = (a, b) => add(a, b);
export const bothVersions = () => first.name() + ' ' + second.name();
export const pages = () => 0;
`;
