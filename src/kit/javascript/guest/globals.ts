// What goes before a guest in its bundle: `console`, and the calls of what it exports, so that an exception is
// told with the lines of its source.

import { begin, WAITS_FOR_PROMISES } from 'ringfence/javascript/engine';
import { write } from 'ringfence/javascript/sink';

/** What the build leaves for it; see `line-table.ts`. */
interface LineTable {
  readonly files: readonly string[];
  readonly lines: string;
}
const LINES = Symbol.for('ringfence.lines');

/** A line of a trace with a place in the bundle, as the engines write it. */
const FRAME = /^(.*?)(?:componentize-qjs:user|ringfence-bundle)\.js:(\d+)(?::\d+)?(.*)$/;

/** What the large engine calls the guest by. */
const OWN_FRAME = /\/sources\/initializer\.js:/;

/** Where a line of the bundle comes from, as `file:line`; null: from no file of the guest's. */
function sourceOf({ files, lines }: LineTable, line: number): string | null {
  let file = 0;
  let row = 0;
  let entry = '';
  let left = line;
  for (entry of lines.split(',')) {
    row += 1;
    const [fileText = '', rowText] = entry.split(':');
    if (rowText !== undefined) {
      file = Number.parseInt(fileText, 36);
      row = Number.parseInt(rowText, 36);
    }
    left -= 1;
    if (left === 0) break;
  }
  const name = files[file];
  return left > 0 || entry === '-' || name === undefined ? null : `${name}:${row}`;
}

/** A trace by the guest's own files; what is ringfence's of it is left out. */
function withSources(stack: string): string {
  const table = (globalThis as unknown as Record<symbol, LineTable | undefined>)[LINES];
  if (table === undefined) return stack;
  const frames = stack.split('\n').map((frame) => {
    const [, before = '', line, after = ''] = FRAME.exec(frame) ?? [];
    if (line === undefined) return OWN_FRAME.test(frame) ? '' : frame;
    const place = sourceOf(table, Number(line));
    return place === null ? '' : `${before}${place}${after}`;
  });
  return frames.filter((frame) => frame.trim() !== '').join('\n');
}

/** Errors that are told in one go: `cause` may lead round in a circle. */
const CAUSES_MAX = 8;

function describeError(error: Error): string {
  const parts: string[] = [];
  let next: unknown = error;
  while (next instanceof Error && parts.length < CAUSES_MAX) {
    const stack = withSources(String(next.stack ?? '')).trimEnd();
    const said = String(next);
    parts.push(stack.startsWith(said) || stack === '' ? stack || said : `${said}\n${stack}`);
    next = next.cause;
  }
  return parts.join('\ncaused by ');
}

function show(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return describeError(value);
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    const text = JSON.stringify(value, (_key, each) =>
      typeof each === 'bigint' ? `${each}n` : each,
    );
    return text ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

const to =
  (level: Parameters<typeof write>[0]) =>
  (...values: unknown[]): void =>
    write(level, values.map(show).join(' '));

Object.defineProperty(globalThis, 'console', {
  configurable: true,
  writable: true,
  value: {
    trace: to('trace'),
    debug: to('debug'),
    log: to('info'),
    info: to('info'),
    warn: to('warn'),
    error: to('error'),
    assert: (holds: unknown, ...values: unknown[]) => {
      if (!holds) to('error')('Assertion failed:', ...values);
    },
  },
});

const isPromise = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value;

/**
 * A function of the guest as the host calls it: its exceptions are told, and go on to the host.
 *
 * @param failsWithText - What the host is told is the message.
 */
export function called<Values extends unknown[], Answer>(
  call: (...values: Values) => Answer,
  failsWithText: boolean,
): (...values: Values) => Answer {
  const tell = (error: unknown): never => {
    if (!(error instanceof Error)) throw error;
    console.error(error);
    throw failsWithText ? error.message : error;
  };
  return function (this: unknown, ...values) {
    begin();
    try {
      const answer = Reflect.apply(call, this, values) as Answer;
      if (!isPromise(answer)) return answer;
      if (WAITS_FOR_PROMISES) return (answer as Promise<unknown>).catch(tell) as Answer;
      throw new Error(
        'an exported function answered a promise, which the engine quickjs does not wait for: write it without async',
      );
    } catch (error) {
      return tell(error);
    }
  };
}

/** A class of the guest as the host makes its objects and calls their methods, which are told by their names. */
export function calledClass<Made extends new (...values: never[]) => object>(
  own: Made,
  methods: Readonly<Record<string, boolean>>,
  statics: Readonly<Record<string, boolean>>,
): Made {
  wrap(own.prototype as Record<string, unknown>, methods);
  wrap(own as unknown as Record<string, unknown>, statics);
  const construct = called(
    (values: unknown[], made: new () => object) => Reflect.construct(own, values, made),
    false,
  );
  return new Proxy(own, {
    construct: (_, values, made) => construct(values, made as new () => object),
  });
}

/** In place, as the guest's own code may hold objects of the class. */
function wrap(owner: Record<string, unknown>, names: Readonly<Record<string, boolean>>): void {
  for (const [name, failsWithText] of Object.entries(names)) {
    const method = owner[name];
    if (typeof method === 'function') owner[name] = called(method as () => unknown, failsWithText);
  }
}
