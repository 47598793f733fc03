/** A policy file in JSON: strictly that, without comments, and with each key once. */

import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Place } from './problem.ts';
import { addField, type PolicyNode, requireDepth, SyntaxProblem, table } from './tree.ts';

/** Finds the line and column of an offset. */
class Lines {
  readonly #starts: readonly number[];

  constructor(text: string) {
    const starts = [0];
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
      starts.push(at + 1);
    }
    this.#starts = starts;
  }

  placeOf(offset: number): Place {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= offset) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return { line: low + 1, column: offset - this.#starts[low]! + 1 };
  }
}

/** `CommaExpected` as `comma expected`. */
const inWords = (code: string): string => code.replaceAll(/(?<=.)[A-Z]/g, ' $&').toLowerCase();

function parse(text: string, lines: Lines): Node {
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch (error) {
    if (error instanceof RangeError) {
      throw new SyntaxProblem({ line: 1, column: 1 }, 'it is nested too deeply to be read');
    }
    throw error;
  }
  const [first] = errors;
  if (first !== undefined || root === undefined) {
    const why = first === undefined ? 'value expected' : inWords(printParseErrorCode(first.error));
    throw new SyntaxProblem(lines.placeOf(first?.offset ?? 0), `this is no JSON: ${why}`);
  }
  return root;
}

function toNode(node: Node, depth: number, lines: Lines): PolicyNode {
  const at = lines.placeOf(node.offset);
  requireDepth(depth, at);
  const children = node.children ?? [];
  switch (node.type) {
    case 'object': {
      const made = table(at);
      for (const { children: [key, value] = [] } of children) {
        addField(made, String(key!.value), {
          at: lines.placeOf(key!.offset),
          node: toNode(value!, depth + 1, lines),
        });
      }
      return made;
    }
    case 'array':
      return { kind: 'list', at, items: children.map((item) => toNode(item, depth + 1, lines)) };
    default:
      return { kind: 'value', at, value: node.value };
  }
}

/**
 * Reads JSON.
 *
 * @throws {SyntaxProblem}
 */
export function readJson(text: string): PolicyNode {
  const lines = new Lines(text);
  return toNode(parse(text, lines), 0, lines);
}
