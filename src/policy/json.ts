/** Reads JSON, and nothing beyond it (RFC 8259), with the place of each key and value. */

import jsonc from 'jsonc-parser';
import type { Located, LocatedTable, Reading } from './located.ts';
import { unread } from './located.ts';
import type { Place, PolicyProblem } from './problem.ts';

const WORDS: Readonly<Record<string, string>> = {
  InvalidSymbol: 'this is no value of JSON',
  InvalidNumberFormat: 'this is no number of JSON',
  PropertyNameExpected: 'a key in double quotes is missing, or there is a comma too many',
  ValueExpected: 'a value is missing, or there is a comma too many',
  ColonExpected: "a ':' is missing",
  CommaExpected: "a ',' is missing",
  CloseBraceExpected: "a '}' is missing",
  CloseBracketExpected: "a ']' is missing",
  EndOfFileExpected: 'there is something behind its end',
  InvalidCommentToken: 'there are no comments in JSON',
  UnexpectedEndOfComment: 'there are no comments in JSON',
  UnexpectedEndOfString: 'the quote that ends the text is missing',
  InvalidUnicode: 'this is no character',
  InvalidEscapeCharacter: 'there is no such escape',
  InvalidCharacter: 'a control character is written as an escape',
};

/** Finds the line and column of an offset. */
function placesOf(text: string): (offset: number) => Place {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    starts.push(at + 1);
  }
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/** Makes the tree; what is there twice goes to `problems`. */
function locate(
  node: jsonc.Node,
  placeAt: (offset: number) => Place,
  problems: PolicyProblem[],
): Located {
  const place = placeAt(node.offset);
  switch (node.type) {
    case 'object': {
      const table: LocatedTable = { kind: 'table', place, fields: new Map() };
      for (const property of node.children ?? []) {
        const [key, value] = property.children ?? [];
        if (key === undefined || value === undefined) {
          continue;
        }
        const name = String(key.value);
        const keyPlace = placeAt(key.offset);
        if (table.fields.has(name)) {
          problems.push({ ...keyPlace, message: `the key ${JSON.stringify(name)} is there twice` });
        }
        table.fields.set(name, { key: keyPlace, value: locate(value, placeAt, problems) });
      }
      return table;
    }
    case 'array':
      return {
        kind: 'list',
        place,
        items: (node.children ?? []).map((child) => locate(child, placeAt, problems)),
      };
    default:
      return { kind: 'scalar', place, value: node.value };
  }
}

/** Reads a text. */
export function readJson(text: string): Reading {
  const placeAt = placesOf(text);
  try {
    const errors: jsonc.ParseError[] = [];
    const tree = jsonc.parseTree(text, errors, {
      disallowComments: true,
      allowTrailingComma: false,
      allowEmptyContent: false,
    });
    const problems = errors.map(({ error, offset }) => ({
      ...placeAt(offset),
      message: `it is no JSON: ${WORDS[jsonc.printParseErrorCode(error)] ?? 'not understood'}`,
    }));
    if (tree === undefined || problems.length > 0) {
      return unread(...problems, ...(problems.length > 0 ? [] : [EMPTY]));
    }
    const root = locate(tree, placeAt, problems);
    return problems.length > 0 ? unread(...problems) : { root, problems: [] };
  } catch (error) {
    if (error instanceof RangeError) {
      return unread({ line: 1, column: 1, message: 'it is nested too deeply' });
    }
    throw error;
  }
}

const EMPTY: PolicyProblem = { line: 1, column: 1, message: 'there is nothing in it' };
