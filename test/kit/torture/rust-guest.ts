/** The guest of the torture world in Rust, over the generated module: it hands everything on. */

import { ALL, type Sample } from './world.ts';

const PRIMITIVES: Readonly<Record<string, string>> = {
  bool: 'bool',
  s8: 'i8',
  u8: 'u8',
  s16: 'i16',
  u16: 'u16',
  s32: 'i32',
  u32: 'u32',
  s64: 'i64',
  u64: 'u64',
  f32: 'f32',
  f64: 'f64',
  char: 'char',
  string: 'String',
};

const pascal = (name: string) =>
  name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());

function typeOf(wit: string): string {
  const element = /^list<(.*)>$/.exec(wit)?.[1];
  if (element !== undefined) return `Vec<${typeOf(element)}>`;
  return PRIMITIVES[wit] ?? `types::${pascal(wit)}`;
}

function passed({ name, wit }: Sample): string {
  const function_ = `pass_${name.replaceAll('-', '_')}`;
  const type = typeOf(wit);
  const copied =
    (wit in PRIMITIVES && wit !== 'string') || /^(colour|flags\d+|many-cases)$/.test(wit);
  return `    fn ${function_}(value: ${type}) -> ${type} { chamber::pass::${function_}(${copied ? '' : '&'}value) }`;
}

const letters = ['a', 'b', 'c', 'd', 'e', 'f'];

export const RUST_GUEST = `
#[path = "bindings/torture.rs"]
mod bindings;

use bindings::exports::torture::chamber as exports;
use bindings::exports::torture::chamber::counters::{Counter, CounterBorrow, GuestCounter};
use bindings::torture::chamber::{self, tokens::Token, types};
use bindings::_rt::Borrow;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

struct Guest;

impl exports::pass::Guest for Guest {
${ALL.map(passed).join('\n')}
    fn spill(${letters.map((each) => `p${each}: String, q${each}: u64`).join(', ')}) -> (String, u64) {
        chamber::pass::spill(${letters.map((each) => `&p${each}, q${each}`).join(', ')})
    }
}

impl exports::left::Guest for Guest {
    fn get(load: exports::left::Item, memory: u32) -> exports::left::Item {
        let item = chamber::left::get(chamber::left::Item { value: load.value }, memory);
        exports::left::Item { value: item.value }
    }
    fn load(store: u32) -> u32 { chamber::left::load(store) }
}

impl exports::right::Guest for Guest {
    fn get(load: exports::right::Item, memory: u32) -> exports::right::Item {
        let item = chamber::right::get(&chamber::right::Item { value: load.value }, memory);
        exports::right::Item { value: item.value }
    }
    fn load(store: u32) -> u32 { chamber::right::load(store) }
}

impl exports::lending::Guest for Guest {
    fn look(tokens: Vec<Borrow<Token>>, pair: exports::lending::Pair) -> u32 {
        let others: u32 = tokens.iter().map(|token| token.value()).sum();
        pair.first.value() + pair.second.map_or(0, |token| token.value()) + others
    }
    fn keep(token: Token) -> u32 { token.value() }
    fn pass_on(token: Token) -> Token { token }
}

struct Counted(Cell<u32>);

static ALIVE: AtomicU32 = AtomicU32::new(0);

impl Counted {
    fn make(start: u32) -> Counter { Counter::new(<Counted as GuestCounter>::new(start)) }
}

impl Drop for Counted {
    fn drop(&mut self) { ALIVE.fetch_sub(1, Relaxed); }
}

impl GuestCounter for Counted {
    fn new(start: u32) -> Counted {
        ALIVE.fetch_add(1, Relaxed);
        Counted(Cell::new(start))
    }
    fn add(&self, by: u32) -> u32 {
        self.0.set(self.0.get() + by);
        self.0.get()
    }
    fn value(&self) -> u32 { self.0.get() }
    fn merge(one: Counter, other: CounterBorrow) -> Counter {
        Counted::make(one.get::<Counted>().value() + other.get::<Counted>().value())
    }
    fn twin(&self) -> (Counter, Counter) { (Counted::make(self.value()), Counted::make(self.value())) }
}

impl exports::counters::Guest for Guest {
    type Counter = Counted;
    fn make(starts: Vec<u32>) -> Vec<Counter> { starts.into_iter().map(Counted::make).collect() }
    /// Counts with counters of the host, which are made, lent, given away and dropped.
    fn total(counters: Vec<CounterBorrow>) -> u32 {
        use chamber::counters::{take, total, Counter};
        let values = counters.iter().map(|each| each.get::<Counted>().value());
        let made: Vec<Counter> = values.map(Counter::new).collect();
        let lent: Vec<Borrow<Counter>> = made.iter().map(Borrow::of).collect();
        let sum = total(&lent);
        if let Some(first) = made.first() {
            let merged = Counter::merge(Counter::new(1), first);
            let (left, right) = merged.twin();
            assert_eq!(left.value() + right.add(1), 2 * first.value() + 3);
            take(&made[..1]);
        }
        sum
    }
    fn take(counters: Vec<Counter>) -> u32 {
        counters.iter().map(|each| each.get::<Counted>().value()).sum()
    }
    fn live() -> u32 { ALIVE.load(Relaxed) }
}

impl bindings::Guest for Guest {
    fn move_(by: bindings::Own, from: types::Point) -> bindings::Own {
        bindings::Own { name: format!("{} {}", by.name, bindings::add(u32::from(from.x), 1)) }
    }
    fn sum(a: u32, b: u32) -> u32 { bindings::add(a, b) }
    fn both_versions() -> String {
        let first = bindings::torture::other1_0_0::versioned::name();
        first + " " + &bindings::torture::other2_0_0::versioned::name()
    }
    fn pages() -> u32 { core::arch::wasm32::memory_size(0) as u32 }
}

bindings::export!(Guest with_types_in bindings);
`;
