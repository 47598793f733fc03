/** Takes WIT text apart into tokens, each with its place and the doc comment before it. */

import { RingfenceError } from '../../errors.ts';

/** A place in a file; both numbers count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A word, a number, a sign, or the end of the file. */
export interface Token {
  readonly kind: 'word' | 'number' | 'sign' | 'end';
  /** A word is without its `%`. */
  readonly text: string;
  /** The word had a `%`: it is a name, whatever it says. */
  readonly escaped: boolean;
  readonly start: number;
  readonly end: number;
  /** What the doc comments before it say; null where there are none. */
  readonly docs: string | null;
}

/** One file of WIT. */
export interface WitFile {
  /** As errors shall name it. */
  readonly name: string;
  readonly text: string;
}

const TOKEN =
  /(?<word>%?[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*)|(?<number>\d+)|(?<sign>->|[-=,:;(){}<>*./@_+])/y;
const SPACE = /\s+/y;
const COMMENT = /\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\//y;

/** The place of an offset in a file. */
export function placeOf(file: WitFile, offset: number): Place {
  const before = file.text.slice(0, offset);
  const line = before.split('\n').length;
  return { file: file.name, line, column: offset - before.lastIndexOf('\n') };
}

/** The error of WIT that can't be understood: one sentence, with its place before it. */
export function witError(place: Place, problem: string): RingfenceError {
  const { file, line, column } = place;
  return new RingfenceError('RF_WIT_INVALID', `${file}:${line}:${column}: ${problem}`, {
    file,
    line,
    column,
  });
}

/**
 * Takes a file apart. The last token is the end.
 *
 * @throws RingfenceError `RF_WIT_INVALID` for a character that WIT has no use for.
 */
export function tokensOf(file: WitFile): readonly Token[] {
  const { text } = file;
  const tokens: Token[] = [];
  let docs: string[] = [];
  let offset = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = offset;
    return pattern.exec(text);
  };
  while (offset < text.length) {
    const space = match(SPACE);
    const comment = space === null ? match(COMMENT) : null;
    if (space !== null || comment !== null) {
      if (comment !== null) docs.push(...docLines(comment[0]));
      offset += (space ?? comment)![0].length;
      continue;
    }
    const found = match(TOKEN);
    if (found === null) {
      const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
      throw witError(
        placeOf(file, offset),
        `WIT has no use for the character '${character}' here.`,
      );
    }
    const end = offset + found[0].length;
    const { word, number } = found.groups ?? {};
    const kind = word !== undefined ? 'word' : number !== undefined ? 'number' : 'sign';
    tokens.push({
      kind,
      text: found[0].replace(/^%/, ''),
      escaped: found[0].startsWith('%'),
      start: offset,
      end,
      docs: docs.length === 0 ? null : docs.join('\n'),
    });
    docs = [];
    offset = end;
  }
  tokens.push({ kind: 'end', text: '', escaped: false, start: offset, end: offset, docs: null });
  return tokens;
}

/**
 * What a language may take for the end of a line: in C, `*\` before a carriage return and `/` behind it end a
 * comment. And other control characters, which no comment needs.
 */
const NOT_OF_A_LINE = /[\p{Cc}\u2028\u2029]/gu;

/** The lines of a doc comment; none of another comment. */
function docLines(comment: string): string[] {
  if (comment.startsWith('///') && !comment.startsWith('////')) {
    return [onOneLine(comment.slice(3)).trim()];
  }
  if (!comment.startsWith('/**') || comment === '/**/') return [];
  const lines = comment.slice(3, -2).split('\n').map(onOneLine);
  return lines.map((line) => line.replace(/^\s*\*? ?/, '').trimEnd());
}

const onOneLine = (text: string): string => text.replace(NOT_OF_A_LINE, ' ');
