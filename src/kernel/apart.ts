/**
 * Files and directories of the program's own, which no agent may have: what proves what it did, what others keep, and
 * what the program itself writes.
 */

import { realpathSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import type { GrantSpec } from '../capability/grant.ts';
import { RingfenceError } from '../errors.ts';

/** A path, and from whom it is kept. */
export interface ApartPath {
  /** Canonical. */
  readonly path: string;
  /** As errors call it. */
  readonly what: string;
  /** What somebody could do who has it; null: by reading it alone they could do nothing. */
  readonly byReading: string | null;
  readonly byWriting: string;
}

/** The whole of what is kept apart. */
export interface ApartSources {
  /** The audit chain's directory and its key. */
  readonly audit: readonly string[];
  readonly anchors: readonly string[];
  /** The file that values of agents are kept in; null: there is none. */
  readonly kv: string | null;
  /** What the program names. */
  readonly own: readonly string[];
}

/** Where each of them is: where its name stands, and where that leads. */
export function apartPaths({ audit, anchors, kv, own }: ApartSources): readonly ApartPath[] {
  const proof = 'change what is recorded of it';
  const kept = 'read and change what others keep there';
  const paths = (all: readonly string[], about: Omit<ApartPath, 'path'>): ApartPath[] =>
    all.flatMap((path) => placesOf(path).map((place) => ({ path: place, ...about })));
  return [
    ...paths(audit, { what: 'the audit chain or its key', byReading: proof, byWriting: proof }),
    ...paths(anchors, { what: 'an anchor of the audit chain', byReading: null, byWriting: proof }),
    ...paths(kv === null ? [] : [kv], {
      what: 'the file of the values that agents keep',
      byReading: kept,
      byWriting: kept,
    }),
    ...paths(own, {
      what: 'a file that the program writes',
      byReading: null,
      byWriting: 'change it, or put another in its place',
    }),
  ];
}

/** A file need not be there yet; what is in a directory that is not there is in none that is mounted. */
function placesOf(path: string): string[] {
  const resolved = (find: () => string): string[] => {
    try {
      return [find()];
    } catch {
      return [];
    }
  };
  return [
    ...new Set([
      ...resolved(() => realpathSync(path)),
      ...resolved(() => join(realpathSync(dirname(path)), basename(path))),
    ]),
  ];
}

/**
 * Looks that no directory that is to be mounted holds what is kept apart, or is part of that.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function requireApart(specs: readonly GrantSpec[], apart: readonly ApartPath[]): void {
  if (apart.length === 0) return;
  for (const { kind, scope } of specs) {
    if (kind !== 'files' || scope.source.kind !== 'host') continue;
    const { path } = scope.source;
    const writes = scope.modes.write || scope.modes.create;
    for (const { path: own, what, byReading, byWriting } of apart) {
      const could = writes ? byWriting : byReading;
      if (could === null || !(isWithin(own, path) || isWithin(path, own))) continue;
      const where = byReading === null ? 'that no agent may write to' : 'that no agent has';
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot mount '${path}' as ${what} lies there, and the agent could ${could}: keep it in a directory ${where}.`,
        { path },
      );
    }
  }
}

const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
