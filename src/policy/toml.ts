/** Reads TOML 1.1 with the place of each key and value. */

import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';
import { type Located, type LocatedTable, type Reading, type Scalar, unread } from './located.ts';
import type { Place } from './problem.ts';

/** The parser counts columns from 0. */
const placeAt = ({ line, column }: { line: number; column: number }): Place => ({
  line,
  column: column + 1,
});

type Segment = { readonly name: string | number; readonly place: Place };

const table = (place: Place): LocatedTable => ({ kind: 'table', place, fields: new Map() });

/** The table at the end of a path, from the outside; what isn't there yet is made. */
function tableAt(from: LocatedTable, path: readonly Segment[]): LocatedTable {
  let at: Located = from;
  path.forEach(({ name, place }, index) => {
    const makesList = typeof path[index + 1]?.name === 'number';
    const made = (): Located => (makesList ? { kind: 'list', place, items: [] } : table(place));
    if (at.kind === 'list') {
      at.items[Number(name)] ??= made();
      at = at.items[Number(name)] as Located;
    } else if (at.kind === 'table') {
      const there = at.fields.get(String(name));
      const next = there?.value ?? made();
      if (there === undefined) {
        at.fields.set(String(name), { key: place, value: next });
      }
      at = next;
    }
  });
  if (at.kind !== 'table') {
    throw new RangeError('The parser let a value pass for a table.');
  }
  return at;
}

function scalarOf(value: AST.TOMLValue): Scalar {
  if (value.kind === 'offset-date-time') {
    return Number.isNaN(value.value.getTime()) ? value.datetime : value.value.toISOString();
  }
  if (value.value instanceof Date) {
    // A date or time without a zone is no instant: as it is written, for the schema to refuse.
    return 'datetime' in value ? value.datetime : '';
  }
  return value.value;
}

function valueOf(value: AST.TOMLContentNode): Located {
  const place = placeAt(value.loc.start);
  switch (value.type) {
    case 'TOMLArray':
      return { kind: 'list', place, items: value.elements.map(valueOf) };
    case 'TOMLInlineTable': {
      const inline = table(place);
      for (const pair of value.body) {
        addPair(inline, pair);
      }
      return inline;
    }
    case 'TOMLValue':
      return { kind: 'scalar', place, value: scalarOf(value) };
  }
}

const nameOf = (key: AST.TOMLBare | AST.TOMLQuoted): string =>
  key.type === 'TOMLBare' ? key.name : key.value;

function segmentsOf(key: AST.TOMLKey): Segment[] {
  return key.keys.map((each) => ({ name: nameOf(each), place: placeAt(each.loc.start) }));
}

function addPair(to: LocatedTable, pair: AST.TOMLKeyValue): void {
  const path = segmentsOf(pair.key);
  const last = path.pop();
  if (last !== undefined) {
    const { name, place } = last;
    tableAt(to, path).fields.set(String(name), { key: place, value: valueOf(pair.value) });
  }
}

/** `[module.grants]` is of the last `[[module]]`: the parser says of which, between the key's own names. */
function headerOf({ key, resolvedKey }: AST.TOMLTable): Segment[] {
  const names = segmentsOf(key);
  let place = placeAt(key.loc.start);
  return resolvedKey.map((name) => {
    if (typeof name === 'string') {
      place = names.shift()?.place ?? place;
    }
    return { name, place };
  });
}

/** Reads a text. */
export function readToml(text: string): Reading {
  try {
    const [top] = parseTOML(text, { tomlVersion: '1.1' }).body;
    const root = table({ line: 1, column: 1 });
    for (const each of top.body) {
      if (each.type === 'TOMLKeyValue') {
        addPair(root, each);
      } else {
        const of = tableAt(root, headerOf(each));
        for (const pair of each.body) {
          addPair(of, pair);
        }
      }
    }
    return { root, problems: [] };
  } catch (error) {
    if (error instanceof ParseError) {
      const place = placeAt({ line: error.lineNumber, column: error.column });
      return unread({ ...place, message: `it is no TOML: ${sentence(error.message)}` });
    }
    if (error instanceof RangeError) {
      return unread({
        line: 1,
        column: 1,
        message: 'it is nested too deeply, or a text in it is too long',
      });
    }
    throw error;
  }
}

/** The parser's words, in the middle of a sentence. */
const sentence = (message: string): string =>
  message.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()).replace(/\.$/, '');
