/** A policy file in TOML. */

import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';
import type { Place } from './problem.ts';
import {
  addField,
  type PolicyNode,
  requireDepth,
  SyntaxProblem,
  type TableNode,
  table,
} from './tree.ts';

const placeOfNode = ({ loc }: AST.HasLocs): Place => ({
  line: loc.start.line,
  column: loc.start.column + 1,
});

const nameOf = (key: AST.TOMLBare | AST.TOMLQuoted): string =>
  key.type === 'TOMLBare' ? key.name : key.value;

/** The table under a key, made where there is none yet. */
function tableUnder(parent: TableNode, key: AST.TOMLBare | AST.TOMLQuoted): TableNode {
  const at = placeOfNode(key);
  const name = nameOf(key);
  const there = parent.fields.get(name)?.node;
  if (there === undefined) {
    const made = table(at);
    addField(parent, name, { at, node: made });
    return made;
  }
  // `[a.b]` below `[[a]]` is of the last a.
  const node = there.kind === 'list' ? there.items.at(-1) : there;
  if (node?.kind !== 'table') {
    throw new SyntaxProblem(at, `the key '${name}' is no table`);
  }
  return node;
}

function plainValue(node: AST.TOMLValue): unknown {
  switch (node.kind) {
    case 'local-date':
    case 'local-time':
    case 'local-date-time':
      throw new SyntaxProblem(
        placeOfNode(node),
        'a date needs its time and zone: write 2030-01-31T12:00:00Z',
      );
    default:
      return node.value;
  }
}

function contentNode(node: AST.TOMLContentNode, depth: number): PolicyNode {
  const at = placeOfNode(node);
  requireDepth(depth, at);
  switch (node.type) {
    case 'TOMLArray':
      return {
        kind: 'list',
        at,
        items: node.elements.map((element) => contentNode(element, depth + 1)),
      };
    case 'TOMLInlineTable': {
      const made = table(at);
      addAll(made, node.body, depth + 1);
      return made;
    }
    default:
      return { kind: 'value', at, value: plainValue(node) };
  }
}

function addAll(to: TableNode, body: readonly AST.TOMLKeyValue[], depth: number): void {
  for (const { key, value } of body) {
    const last = key.keys.at(-1)!;
    const at = placeOfNode(last);
    requireDepth(depth + key.keys.length, at);
    const holder = key.keys.slice(0, -1).reduce(tableUnder, to);
    addField(holder, nameOf(last), { at, node: contentNode(value, depth + key.keys.length) });
  }
}

/** The table that `[a.b]` or `[[a.b]]` begins. */
function headedTable(root: TableNode, header: AST.TOMLTable): TableNode {
  const { keys } = header.key;
  const last = keys.at(-1)!;
  const at = placeOfNode(header);
  requireDepth(keys.length, at);
  const holder = keys.slice(0, -1).reduce(tableUnder, root);
  if (header.kind === 'standard') {
    return tableUnder(holder, last);
  }
  const name = nameOf(last);
  const made = table(at);
  const there = holder.fields.get(name)?.node;
  if (there === undefined) {
    const list: PolicyNode = { kind: 'list', at, items: [made] };
    addField(holder, name, { at: placeOfNode(last), node: list });
  } else if (there.kind === 'list') {
    there.items.push(made);
  } else {
    throw new SyntaxProblem(at, `the key '${name}' is no list of tables`);
  }
  return made;
}

/** What the parser says where a line breaks off, of which it only knows when it sees the next. */
const BROKEN_OFF = /on the same line$|^Unspecified values/;

/** Where it is wrong: of a line that breaks off its end, not the beginning of a later one. */
function placeOfError(text: string, { message, lineNumber, column }: ParseError): Place {
  const at = { line: lineNumber, column: column + 1 };
  if (!BROKEN_OFF.test(message)) {
    return at;
  }
  const lines = text.split('\n').slice(0, lineNumber);
  const before = [...lines.slice(0, -1), lines.at(-1)?.slice(0, column) ?? ''];
  const line = before.findLastIndex((each) => each.trim() !== '');
  return line === -1 ? at : { line: line + 1, column: (before[line] ?? '').trimEnd().length + 1 };
}

function parse(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: '1.0' });
  } catch (error) {
    if (error instanceof ParseError) {
      throw new SyntaxProblem(placeOfError(text, error), `this is no TOML: ${error.message}`);
    }
    if (error instanceof RangeError) {
      throw new SyntaxProblem({ line: 1, column: 1 }, 'it is nested too deeply to be read');
    }
    throw error;
  }
}

/**
 * Reads TOML.
 *
 * Of the parser only its tree is used: the values that it can make of a tree itself write through
 * `__proto__`.
 *
 * @throws {SyntaxProblem}
 */
export function readToml(text: string): TableNode {
  const root = table({ line: 1, column: 1 });
  for (const part of parse(text).body[0].body) {
    if (part.type === 'TOMLKeyValue') {
      addAll(root, [part], 0);
    } else {
      addAll(headedTable(root, part), part.body, part.key.keys.length);
    }
  }
  return root;
}
