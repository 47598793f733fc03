/** The programs that are compared with their native twins. */

import type { Program } from './pair.ts';

export const BZIP2: Program = { name: 'bzip2', native: 'bzip2' };
export const LUA: Program = { name: 'lua', native: 'lua5.4' };
export const SQLITE: Program = { name: 'sqlite3', native: 'sqlite3' };
export const DUKTAPE: Program = { name: 'duk', native: 'duk' };
export const PYTHON: Program = { name: 'python', native: 'python3' };

export const ALL_PROGRAMS: readonly Program[] = [BZIP2, LUA, SQLITE, DUKTAPE, PYTHON];
