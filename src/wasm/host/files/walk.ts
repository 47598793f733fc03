/**
 * The way from a directory to where a path leads, one segment at a time, never above where it began.
 *
 * Each directory on the way is held open; `..` goes back to the one that was come from, whatever its
 * place has become meanwhile. Symbolic links are read and followed here, never by the system.
 */

import { DEPTH_MAX, LINKS_FOLLOWED_MAX, STEPS_MAX } from './caps.ts';
import { FileFailure, fail } from './failure.ts';
import { type ParsedPath, parsePath } from './path.ts';
import type { Directory, ObjectStat } from './tree.ts';

/** A walk that has arrived at a directory and a name in it, which may or may not exist. */
export class Walk {
  /** Directories on the way down; the first is where it began. */
  readonly #way: Directory[];
  readonly #steps: string[] = [];
  #stepsTaken = 0;
  #linksFollowed = 0;
  #name: string | null = null;
  #directoryWanted: boolean;
  #last: ParsedPath['last'];

  /** Call {@link end} when it is no longer needed. */
  constructor(from: Directory, path: unknown) {
    const parsed = parsePath(path);
    this.#last = parsed.last;
    this.#directoryWanted = parsed.directory;
    this.#push(parsed);
    this.#way = [from.retain()];
    try {
      this.#go();
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** Where the name is looked up; without a name: what the path leads to. */
  get directory(): Directory {
    return this.#way.at(-1) as Directory;
  }

  /** The last segment; null: the path ends in `.` or `..`, or in nothing but them. */
  get name(): string | null {
    return this.#name;
  }

  /** The path says that it leads to a directory. */
  get directoryWanted(): boolean {
    return this.#directoryWanted;
  }

  /** How the path ended. */
  get last(): ParsedPath['last'] {
    return this.#last;
  }

  /**
   * The name is a symbolic link: goes on at what it says.
   *
   * @returns false where it is no longer one.
   */
  follow(): boolean {
    if (this.#name === null) {
      return false;
    }
    const target = this.directory.readLink(this.#name);
    if (target === null) {
      return false;
    }
    const parsed = this.#parseLink(target);
    this.#name = null;
    this.#last = parsed.last;
    this.#directoryWanted ||= parsed.directory;
    this.#push(parsed);
    this.#go();
    return true;
  }

  /**
   * What the path leads to, links followed as it says; `no-entry` where there is nothing.
   *
   * `follow`: a link at its end too. One with a slash after it always is.
   */
  settle(follow: boolean): ObjectStat {
    // Each turn follows a link, unless another agent takes it away just then.
    for (let turn = 0; turn <= 2 * LINKS_FOLLOWED_MAX; turn += 1) {
      if (this.#name === null) {
        return this.directory.stat();
      }
      const stat = this.directory.statAt(this.#name);
      if (stat.type !== 'symbolic-link' || !(follow || this.#directoryWanted)) {
        if (this.#directoryWanted && stat.type !== 'directory') {
          fail('not-directory');
        }
        return stat;
      }
      this.follow();
    }
    return fail('loop');
  }

  /** Gives all directories back. */
  end(): void {
    for (const directory of this.#way.splice(0)) {
      directory.release();
    }
  }

  #push(path: ParsedPath): void {
    for (const step of path.steps) {
      this.#steps.push(step);
    }
  }

  #parseLink(target: string): ParsedPath {
    this.#linksFollowed += 1;
    if (this.#linksFollowed > LINKS_FOLLOWED_MAX) {
      fail('loop');
    }
    return parsePath(target);
  }

  #go(): void {
    for (;;) {
      const step = this.#steps.pop();
      if (step === undefined) {
        return;
      }
      this.#stepsTaken += 1;
      if (this.#stepsTaken > STEPS_MAX) {
        fail('name-too-long');
      }
      if (step === '..') {
        this.#up();
      } else if (this.#steps.length === 0 && this.#last === 'name') {
        this.#name = step;
        return;
      } else {
        this.#down(step);
      }
    }
  }

  #up(): void {
    if (this.#way.length === 1) {
      fail('not-permitted');
    }
    (this.#way.pop() as Directory).release();
  }

  #down(name: string): void {
    if (this.#way.length > DEPTH_MAX) {
      fail('name-too-long');
    }
    let directory: Directory;
    try {
      directory = this.directory.openDirectory(name);
    } catch (error) {
      if (!isNotDirectory(error)) {
        throw error;
      }
      const target = this.directory.readLink(name);
      if (target === null) {
        throw error;
      }
      // What comes after it, if only a dot, says how the whole path ends.
      this.#push(this.#parseLink(target));
      return;
    }
    this.#way.push(directory);
  }
}

function isNotDirectory(error: unknown): boolean {
  return error instanceof FileFailure
    ? error.code === 'not-directory'
    : (error as { code?: unknown }).code === 'ENOTDIR';
}
