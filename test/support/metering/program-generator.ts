/** Random programs in WebAssembly text, rich in control: what the rewriter must keep, in either form of exceptions. */

/** `legacy` is try/catch/delegate/rethrow, `current` try_table/throw_ref. */
export type ExceptionForm = 'legacy' | 'current';

const TYPES = ['i32', 'i64', 'f64', 'v128'] as const;
type Type = (typeof TYPES)[number];

interface Signature {
  readonly parameters: readonly Type[];
  readonly results: readonly Type[];
}

/** Runs of a loop's header and entries of functions before the program traps by itself. */
const BUDGET = 400;
const FUNCTIONS = 6;
const STATEMENT_DEPTH = 4;

/** A small generator of numbers that are the same for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const list = (keyword: string, types: readonly Type[]) =>
  types.length > 0 ? `(${keyword} ${types.join(' ')})` : '';

class ProgramGenerator {
  readonly #random: (below: number) => number;
  readonly #form: ExceptionForm;
  readonly #signatures: Signature[] = [];
  #labels: string[] = [];
  #catchLabels: string[] = [];
  #nextLabel = 0;
  #current: Signature = { parameters: [], results: [] };

  constructor(seed: number, form: ExceptionForm) {
    this.#random = numbers(seed);
    this.#form = form;
  }

  #chance(percent: number): boolean {
    return this.#random(100) < percent;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#random(items.length)]!;
  }

  #types(most: number): Type[] {
    return Array.from({ length: this.#random(most + 1) }, () => this.#pick(TYPES));
  }

  generate(): string {
    for (let index = 0; index < FUNCTIONS; index++) {
      const last = this.#signatures[index - 1];
      // Equal results make tail calls possible.
      const results = last && this.#chance(60) ? last.results : this.#types(3);
      this.#signatures.push({ parameters: this.#types(3), results });
    }
    const functions = this.#signatures.map((signature, index) => this.#function(signature, index));
    const names = this.#signatures.map((_, index) => `$f${index}`).join(' ');
    return `(module
      (import "host" "log" (func $log (param i32)))
      (import "host" "ask" (func $ask (param i32) (result i32)))
      (import "host" "throw" (func $throw (param i32)))
      (tag $number (param i32))
      (tag $nothing)
      (tag $both (param i64 f64))
      (global $budget (export "budget") (mut i32) (i32.const ${BUDGET}))
      (global $seen (export "seen") (mut i64) (i64.const 0))
      (memory (export "memory") 1 3)
      (data $passive "some bytes of a passive segment")
      (data (i32.const 100) "active")
      (table $functions (export "table") 14 20 funcref)
      (elem (i32.const 0) func ${names} $ask $log $ask)
      (elem $spare func $f0 $ask $f1)
      (elem declare func $ask $f2)
      (type $ask (func (param i32) (result i32)))
      (func $step
        (global.set $budget (i32.sub (global.get $budget) (i32.const 1)))
        (if (i32.lt_s (global.get $budget) (i32.const 0)) (then (unreachable))))
      ${functions.join('\n')}
      ${this.#signatures.map((signature, index) => this.#entry(signature, index)).join('\n')}
    )`;
  }

  /** An export that JavaScript can call, with a fresh budget. */
  #entry({ parameters, results }: Signature, index: number): string {
    const constants = parameters.map((type) => this.#constant(type)).join(' ');
    return `(func (export "call_${index}")
      (global.set $budget (i32.const ${BUDGET}))
      (call $f${index} ${constants})
      ${results
        .toReversed()
        .map((type) => this.#keep(type))
        .join('\n')})`;
  }

  /** Adds what is on the stack to what is seen at the end. */
  #keep(type: Type): string {
    const asI64 = {
      i32: 'i64.extend_i32_s',
      i64: '',
      f64: 'i64.trunc_sat_f64_s',
      v128: 'i64x2.extract_lane 1',
    }[type];
    return `${asI64} global.get $seen i64.const 7 i64.mul i64.add global.set $seen`;
  }

  #function(signature: Signature, index: number): string {
    this.#current = signature;
    this.#labels = [];
    const parameters = signature.parameters.map((type, place) => `(param $p${place} ${type})`);
    const locals = TYPES.flatMap((type) => [
      `(local $a_${type} ${type})`,
      `(local $b_${type} ${type})`,
    ]);
    const statements = this.#statements(STATEMENT_DEPTH);
    const results = signature.results.map((type) => this.#expression(type, 2)).join(' ');
    return `(func $f${index} ${parameters.join(' ')} ${list('result', signature.results)}
      ${locals.join(' ')}
      (call $step)
      ${statements}
      ${results})`;
  }

  #statements(depth: number): string {
    const count = 1 + this.#random(4);
    return Array.from({ length: count }, () => this.#statement(depth)).join('\n');
  }

  #statement(depth: number): string {
    const simple = [
      () => this.#assign(),
      () => this.#assign(),
      () => this.#call(),
      () => this.#store(),
      () => this.#bulk(),
      () => `(call $log ${this.#expression('i32', 1)})`,
      () => this.#branch(),
      () => this.#leave(),
    ];
    const nested = [
      () => this.#block(depth),
      () => this.#loop(depth),
      () => this.#if(depth),
      () => this.#try(depth),
      () => this.#try(depth),
    ];
    if (depth === 0) return this.#pick(simple)();
    return this.#chance(45) ? this.#pick(nested)() : this.#pick(simple)();
  }

  #local(type: Type): string {
    const places = this.#current.parameters.flatMap((parameter, place) =>
      parameter === type ? [`$p${place}`] : [],
    );
    return this.#pick([...places, `$a_${type}`, `$b_${type}`]);
  }

  #assign(): string {
    const type = this.#pick(TYPES);
    return `(local.set ${this.#local(type)} ${this.#expression(type, 2)})`;
  }

  #constant(type: Type): string {
    const number = this.#pick([0, 1, 2, 3, 7, 8, -1, 255, 65_536]);
    return type === 'v128' ? `(v128.const i64x2 ${number} 9)` : `(${type}.const ${number})`;
  }

  #expression(type: Type, depth: number): string {
    if (depth === 0 || this.#chance(25)) {
      return this.#chance(50) ? this.#constant(type) : `(local.get ${this.#local(type)})`;
    }
    const inner = (innerType: Type) => this.#expression(innerType, depth - 1);
    const choices: (() => string)[] = [
      () => this.#binary(type, inner),
      () => `(select ${inner(type)} ${inner(type)} ${inner('i32')})`,
      () => `(local.tee ${this.#local(type)} ${inner(type)})`,
      () => `(if (result ${type}) ${inner('i32')} (then ${inner(type)}) (else ${inner(type)}))`,
      () => `(block (result ${type}) ${inner(type)})`,
    ];
    if (type === 'i32') {
      choices.push(
        () => `(call $ask ${inner('i32')})`,
        () => `(i32.load8_u offset=3 (i32.and ${inner('i32')} (i32.const 1023)))`,
        () => `(call_indirect (type $ask) ${inner('i32')} (i32.const ${6 + this.#random(4)}))`,
        () => '(memory.size)',
        () => `(i32.wrap_i64 ${inner('i64')})`,
      );
    }
    if (type === 'i64') choices.push(() => `(i64.extend_i32_u ${inner('i32')})`);
    return this.#pick(choices)();
  }

  #binary(type: Type, inner: (type: Type) => string): string {
    const operators = {
      i32: ['add', 'sub', 'mul', 'and', 'xor', 'shl', 'rotl', 'lt_s', 'eq', 'div_s', 'rem_u'],
      i64: ['add', 'sub', 'mul', 'or', 'shr_s', 'div_u'],
      f64: ['add', 'mul', 'min', 'copysign'],
      v128: ['and', 'xor', 'andnot'],
    }[type];
    return `(${type}.${this.#pick(operators)} ${inner(type)} ${inner(type)})`;
  }

  #callee(results: readonly Type[] | null): number | null {
    const fitting = this.#signatures.flatMap((signature, index) =>
      results === null || signature.results.join() === results.join() ? [index] : [],
    );
    return fitting.length > 0 ? this.#pick(fitting) : null;
  }

  #arguments(index: number): string {
    return this.#signatures[index]!.parameters.map((type) => this.#expression(type, 1)).join(' ');
  }

  #indirect(keyword: string, index: number): string {
    const { parameters, results } = this.#signatures[index]!;
    const target = this.#chance(80) ? index : this.#random(16);
    return `(${keyword} ${list('param', parameters)} ${list('result', results)} ${this.#arguments(index)} (i32.const ${target}))`;
  }

  #call(): string {
    if (this.#chance(15)) return `(call $throw ${this.#expression('i32', 1)})`;
    const index = this.#callee(null)!;
    const call = this.#chance(70)
      ? `(call $f${index} ${this.#arguments(index)})`
      : this.#indirect('call_indirect', index);
    const { results } = this.#signatures[index]!;
    return [call, ...results.toReversed().map((type) => this.#keep(type))].join('\n');
  }

  #store(): string {
    const address = `(i32.and ${this.#expression('i32', 1)} (i32.const ${this.#chance(95) ? 4095 : 131_071}))`;
    const type = this.#pick(TYPES);
    return `(${type}.store offset=8 ${address} ${this.#expression(type, 1)})`;
  }

  #bulk(): string {
    const small = () => `(i32.and ${this.#expression('i32', 1)} (i32.const 2047))`;
    const tiny = () => `(i32.and ${this.#expression('i32', 1)} (i32.const 7))`;
    return this.#pick([
      `(memory.fill ${small()} ${small()} ${small()})`,
      `(memory.copy ${small()} ${small()} ${small()})`,
      `(memory.copy (i32.const 65000) ${small()} ${small()})`,
      `(memory.init $passive ${small()} ${tiny()} ${tiny()})`,
      '(data.drop $passive)',
      `(drop (memory.grow ${tiny()}))`,
      `(drop (table.grow $functions (ref.func $ask) ${tiny()}))`,
      `(table.fill $functions (i32.const 9) (ref.func $f2) ${tiny()})`,
      `(table.copy $functions $functions (i32.const 7) (i32.const 6) ${tiny()})`,
      `(table.init $functions $spare (i32.const 8) (i32.const 0) ${tiny()})`,
      `(table.set $functions (i32.const 9) (table.get $functions ${tiny()}))`,
      `(global.set $seen (i64.add (global.get $seen) (i64.extend_i32_u (table.size $functions))))`,
    ]);
  }

  #branch(): string {
    if (this.#labels.length === 0) return this.#assign();
    const condition = this.#expression('i32', 1);
    const label = this.#pick(this.#labels);
    if (this.#chance(60)) return `(br_if ${label} ${condition})`;
    if (this.#chance(50)) return `(br ${label})`;
    const targets = Array.from({ length: 3 }, () => this.#pick(this.#labels));
    return `(br_table ${targets.join(' ')} ${condition})`;
  }

  /** Leaves the function, most often under a condition. */
  #leave(): string {
    const exit = this.#exit();
    return this.#chance(75) ? `(if ${this.#expression('i32', 1)} (then ${exit}))` : exit;
  }

  #exit(): string {
    const { results } = this.#current;
    const callee = this.#callee(results);
    const choices = [
      () => `(return ${results.map((type) => this.#expression(type, 1)).join(' ')})`,
      () => `(throw $number ${this.#expression('i32', 1)})`,
      () => '(throw $nothing)',
      () => `(throw $both ${this.#expression('i64', 1)} ${this.#expression('f64', 1)})`,
    ];
    if (callee !== null) {
      choices.push(
        () => `(return_call $f${callee} ${this.#arguments(callee)})`,
        () => this.#indirect('return_call_indirect', callee),
      );
    }
    if (results.join() === 'i32') {
      choices.push(() => `(return_call $ask ${this.#expression('i32', 1)})`);
    }
    if (this.#catchLabels.length > 0 && this.#form === 'legacy') {
      choices.push(() => `rethrow ${this.#pick(this.#catchLabels)}`);
    }
    return this.#pick(choices)();
  }

  #within(label: string, write: () => string): string {
    this.#labels.push(label);
    const text = write();
    this.#labels.pop();
    return text;
  }

  #label(): string {
    return `$L${this.#nextLabel++}`;
  }

  #block(depth: number): string {
    const label = this.#label();
    return `(block ${label} ${this.#within(label, () => this.#statements(depth - 1))})`;
  }

  #loop(depth: number): string {
    const label = this.#label();
    const again = `(br_if ${label} ${this.#expression('i32', 1)})`;
    const body = this.#within(label, () => this.#statements(depth - 1));
    return `(loop ${label} (call $step) ${body} ${this.#chance(70) ? again : ''})`;
  }

  #if(depth: number): string {
    const label = this.#label();
    const condition = this.#expression('i32', 1);
    const arm = () => this.#within(label, () => this.#statements(depth - 1));
    const otherwise = this.#chance(50) ? `(else ${arm()})` : '';
    return `(if ${label} ${condition} (then ${arm()}) ${otherwise})`;
  }

  #try(depth: number): string {
    return this.#form === 'legacy' ? this.#legacyTry(depth) : this.#tryTable(depth);
  }

  #legacyTry(depth: number): string {
    const label = this.#label();
    const body = this.#within(label, () => this.#statements(depth - 1));
    if (this.#chance(20)) {
      // A label of one of the blocks around, or the function itself.
      const target = this.#random(this.#labels.length + 1);
      const to = this.#labels[target] ?? this.#labels.length;
      return `try ${label} ${body} delegate ${to}`;
    }
    this.#catchLabels.push(label);
    const handler = () => this.#within(label, () => this.#statements(depth - 1));
    const catches = [
      this.#chance(60) ? `catch $number ${this.#keep('i32')} ${handler()}` : '',
      this.#chance(40) ? `catch $both ${this.#keep('f64')} ${this.#keep('i64')} ${handler()}` : '',
      this.#chance(60) ? `catch_all ${handler()}` : '',
    ];
    this.#catchLabels.pop();
    // The tools take the legacy form only unfolded.
    return `try ${label} ${body} ${catches.join(' ')} end`;
  }

  #tryTable(depth: number): string {
    const number = this.#label();
    const both = this.#label();
    const all = this.#label();
    const around = this.#label();
    const reference = this.#chance(40);
    const last = reference ? `(catch_all_ref ${all})` : `(catch_all ${all})`;
    // A handler may lead to any block around that takes nothing, loops too.
    const elsewhere =
      this.#labels.length > 0 && this.#chance(40)
        ? `(catch $nothing ${this.#pick(this.#labels)})`
        : '';
    const body = this.#within(around, () => this.#statements(depth - 1));
    const handler = () => this.#within(around, () => this.#statements(depth - 1));
    const rethrown = this.#chance(30) ? '(throw_ref)' : '(drop)';
    return `(block ${around}
      (block ${all} ${reference ? '(result exnref)' : ''}
        (block ${both} (result i64 f64)
          (block ${number} (result i32)
            (try_table (catch $number ${number}) (catch $both ${both}) ${elsewhere} ${last}
              ${body})
            (br ${around}))
          ${this.#keep('i32')} ${handler()}
          (br ${around}))
        ${this.#keep('f64')} ${this.#keep('i64')} ${handler()}
        (br ${around}))
      ${reference ? rethrown : ''}
      ${handler()})`;
  }
}

/** A program in text; it ends by itself, or traps once its budget is used up. */
export function generateProgram(seed: number, form: ExceptionForm): string {
  return new ProgramGenerator(seed, form).generate();
}
