/**
 * Goal: the bindings of C and Rust compile without a warning whatever the world: every interface of WASI 0.2 and
 * of ringfence, and names that are words or types of the language. Method: a world that has all of them.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCompiler } from '../../src/kit/build/run-compiler.ts';
import { cBindings } from '../../src/kit/c/bindings.ts';
import { findCToolchain } from '../../src/kit/c/toolchain.ts';
import { rustBindings } from '../../src/kit/rust/bindings.ts';
import { findRustToolchain } from '../../src/kit/rust/toolchain.ts';
import { type ResolvedWorld, resolveWorld } from '../../src/kit/wit/resolve-world.ts';
import { temporaryDirectory } from '../cli/ringfence.ts';
import { titled } from '../support/skipped.ts';
import { WHY_NO_C, WHY_NO_RUST } from './toolchains.ts';

const WIT = `package my:all;

world all {
  include wasi:cli/command@0.2.12;
  include wasi:http/proxy@0.2.12;
  include ringfence:agent/agent@0.1.0;
  import wasi:keyvalue/store@0.2.0-draft2;
  import wasi:keyvalue/atomics@0.2.0-draft2;
  import wasi:keyvalue/batch@0.2.0-draft2;
  import wasi:config/store@0.2.0-draft;
  import wasi:logging/logging@0.1.0-draft;
  import odd;
  export makes;
}

/// Words */ of /* C, C++ and Rust.
interface odd {
  record %int { %int: u32, double: string, size-t: u8, val: u8 }
  variant self { self, class(%int), default(u8) }
  enum freed { free, %int }
  enum freed-t { a, b }
  resource thing {
    constructor(other: borrow<thing>);
    new: func();
    drop-own: func();
    %static: static func() -> thing;
    free: func();
    handle: func();
  }
  type %option = option<string>;
  type %result = result<%option, thing>;
  type nested = option<option<%result>>;
  type mine = thing;
  ret: func(ret: u32, err: string, maybe-ret: option<u8>, ok: u8) -> result<nested, string>;
  errno: func(index: list<thing>, value: list<borrow<thing>>) -> option<list<thing>>;
  free-it: func(a: option<option<u32>>) -> option<option<u32>>;
  string-free: func();
  one: func() -> result;
  two: func() -> %int;
  three: func(x: tuple<u8>) -> tuple<f32, f64>;
  match: func(host: self, %type: freed, slots: u64, arena: f32) -> freed-t;
}

interface makes {
  use odd.{self as me};
  resource %box {
    constructor(a: string, b: option<u32>) -> result<%box, string>;
    open: func(a: me, b: string, c: string, d: string, e: string, f: string, g: string, h: string)
      -> option<string>;
    drop: func();
    new: static func(x: list<borrow<%box>>) -> list<%box>;
  }
  record holder { it: %box, maybe: option<%box> }
  variant borrow-less { a, b(%box) }
  hold: func(h: holder) -> result<holder, borrow-less>;
  get: func() -> u64;
}
`;

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

let world: ResolvedWorld;
beforeAll(async () => {
  world = await resolveWorld({ root: [{ name: 'all.wit', text: WIT }], deps: [] });
}, 120_000);

const write = (files: ReadonlyMap<string, string>) => {
  for (const [path, text] of files) writeFileSync(join(scratch.path, path), text);
};

test.skipIf(WHY_NO_C !== null)(
  titled('in C, the header in C++ too', WHY_NO_C),
  async () => {
    write(cBindings(world).files);
    const { clang, options } = await findCToolchain();
    const strict = [...options, '-Wall', '-Wextra', '-Werror', '-Wno-unused-command-line-argument'];
    const compile = (...args: string[]) => runCompiler(clang, [...strict, ...args], scratch.path);
    expect(await compile('-c', 'all.c', '-o', 'all.o')).toEqual({ ok: true, report: '' });
    expect(await compile('-x', 'c++', '-fsyntax-only', 'all.h')).toEqual({ ok: true, report: '' });
  },
  120_000,
);

test.skipIf(WHY_NO_RUST !== null)(
  titled('in Rust', WHY_NO_RUST),
  async () => {
    write(rustBindings(world));
    writeFileSync(join(scratch.path, 'lib.rs'), '#[path = "all.rs"]\npub mod bindings;\n');
    const { rustc, target } = await findRustToolchain();
    const args = ['--edition=2021', '--crate-type=rlib', `--target=${target}`, '-Dwarnings'];
    const ended = await runCompiler(rustc, [...args, 'lib.rs', '-o', 'all.rlib'], scratch.path);
    expect(ended).toEqual({ ok: true, report: '' });
  },
  300_000,
);
