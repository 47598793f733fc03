/**
 * What the program's thread and the one that writes the chain say to each other.
 *
 * Drafts go as one text, for that is copied in one piece: fields are cut by tabs and drafts by newlines,
 * which JSON has only escaped.
 */

import type { KeyObject } from 'node:crypto';
import type { Draft } from '../event.ts';
import type { Retention } from './retention.ts';

/** How the thread is started. */
export interface ThreadSettings {
  readonly directory: string;
  /** The name of a chain that is begun. */
  readonly chain: string;
  readonly maxBytes: number;
  readonly checkpointEvents: number;
  readonly checkpointMs: number;
  readonly software: string;
  readonly key: KeyObject | null;
  /** Counts commits; whoever waits for one in a process that ends is woken by it. */
  readonly committed: SharedArrayBuffer;
  /** Null: nothing is removed but what the program says. */
  readonly retention: Retention | null;
  /** Notes that were kept outside: the chain must go on from them. */
  readonly anchored: readonly string[];
}

/** To the thread. */
export type ToThread =
  | {
      readonly tag: 'write';
      readonly id: number;
      readonly drafts: string;
      /** What they tell of has not happened yet: where they can't be written they are forgotten. */
      readonly isAhead: boolean;
    }
  /** A checkpoint over all that was sent before. */
  | { readonly tag: 'checkpoint'; readonly id: number }
  | { readonly tag: 'rotate'; readonly id: number; readonly key: KeyObject }
  | { readonly tag: 'prune'; readonly id: number; readonly before: number }
  | {
      readonly tag: 'receipt';
      readonly id: number;
      readonly digest: string;
      readonly envelope: string;
      readonly last: number;
      readonly drafts: string;
    }
  | { readonly tag: 'close'; readonly id: number };

/** Where what was written stands. */
export interface Written {
  readonly first: number;
  /** The last of the events. */
  readonly last: number;
  readonly hash: string;
  /** The last signed checkpoint; null: the chain has no key. */
  readonly note: string | null;
}

/** From the thread. */
export type FromThread =
  | {
      readonly tag: 'open';
      readonly chain: string;
      readonly size: number;
      readonly key: string | null;
    }
  | { readonly tag: 'failed-to-open'; readonly error: PlainError }
  | { readonly tag: 'done'; readonly id: number; readonly written: Written }
  | { readonly tag: 'refused'; readonly id: number; readonly error: PlainError }
  /** It can't write at the moment (null: it can again): what must not happen without its record must wait. */
  | { readonly tag: 'failing'; readonly error: PlainError | null };

/** An error as it passes between threads. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
}

export function textOfDraft({ agent, middle, source, timeMs }: Draft): string {
  return `${agent}\t${middle}\t${source}\t${timeMs}\n`;
}

export function draftsOfText(text: string): Draft[] {
  const drafts: Draft[] = [];
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    const middleAt = text.indexOf('\t', start) + 1;
    const sourceAt = text.indexOf('\t', middleAt) + 1;
    const timeAt = text.indexOf('\t', sourceAt) + 1;
    drafts.push({
      agent: text.slice(start, middleAt - 1),
      middle: text.slice(middleAt, sourceAt - 1),
      source: text.slice(sourceAt, timeAt - 1),
      timeMs: Number(text.slice(timeAt, end)),
    });
    start = end + 1;
  }
  return drafts;
}
