/**
 * A host of wasip1 commands in memory: arguments, a flat folder of files, output that is kept. Enough
 * for the bench's programs, which are trusted. Its clock and its random numbers are the same in every
 * run, so that each run of a program does the same work.
 */

/** What a command did. */
export interface CommandOutcome {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** What a command is given. */
export interface CommandInput {
  /** The first is the program's name. */
  readonly args: readonly string[];
  /** By their names in the one folder, which is the root. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

const ERRNO = { success: 0, badf: 8, inval: 28, noent: 44, nosys: 52 } as const;
const FILE_TYPE = { directory: 3, regular: 4 } as const;
const OPEN = { create: 1, directory: 2, truncate: 8 } as const;
const FDFLAG_APPEND = 1;
const ROOT_FD = 3;
const ALL_RIGHTS = 2n ** 64n - 1n;
/** Each reading of the clock is so much later than the last. */
const CLOCK_STEP_NS = 1_000n;
const CLOCK_START_NS = 1_700_000_000_000_000_000n;
const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** A file's bytes, with room to grow. */
class MemoryFile {
  #bytes: Uint8Array;
  size: number;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  contents(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  resize(size: number): void {
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(size, 2 * this.#bytes.length, 4_096));
      larger.set(this.contents());
      this.#bytes = larger;
    } else {
      this.#bytes.fill(0, Math.min(size, this.size), this.size);
    }
    this.size = size;
  }

  read(into: Uint8Array, at: number): number {
    const piece = this.#bytes.subarray(at, Math.min(this.size, at + into.length));
    into.set(piece);
    return piece.length;
  }

  write(from: Uint8Array, at: number): void {
    if (at + from.length > this.size) {
      this.resize(at + from.length);
    }
    this.#bytes.set(from, at);
  }
}

/** An open file; one without a file is the folder. */
interface Descriptor {
  readonly file: MemoryFile | null;
  readonly append: boolean;
  at: number;
}

/** One run of a command. */
export class Wasip1Command {
  readonly #args: readonly Uint8Array[];
  readonly #files: Map<string, MemoryFile>;
  readonly #stdout = new MemoryFile();
  readonly #stderr = new MemoryFile();
  readonly #descriptors: (Descriptor | null)[];
  #memory: WebAssembly.Memory | null = null;
  #clockNs = CLOCK_START_NS;
  #random = 1;

  constructor({ args, files = {} }: CommandInput) {
    this.#args = args.map((argument) => ENCODER.encode(`${argument}\0`));
    this.#files = new Map(
      // Not copied: no program here writes to its input.
      Object.entries(files).map(([name, bytes]) => [name, new MemoryFile(bytes)]),
    );
    const opened = [new MemoryFile(), this.#stdout, this.#stderr, null];
    this.#descriptors = opened.map((file) => ({ file, append: false, at: 0 }));
  }

  /** What the module imports; what isn't known answers that it isn't there. */
  imports(module: WebAssembly.Module): WebAssembly.Imports {
    const known = this.#functions();
    const wanted = WebAssembly.Module.imports(module).filter(
      (wanted) => wanted.module === 'wasi_snapshot_preview1',
    );
    return {
      wasi_snapshot_preview1: Object.fromEntries(
        wanted.map(({ name }) => [name, known[name] ?? (() => ERRNO.nosys)]),
      ),
    };
  }

  /** Runs it to its end by calling `start`, which may answer a promise. */
  async run(memory: unknown, start: () => unknown): Promise<CommandOutcome> {
    this.#memory = memory as WebAssembly.Memory;
    let code = 0;
    try {
      await start();
    } catch (error) {
      if (!(error instanceof Exit)) {
        throw error;
      }
      code = error.code;
    }
    return {
      code,
      stdout: this.#stdout.contents(),
      stderr: DECODER.decode(this.#stderr.contents()),
    };
  }

  // biome-ignore lint/complexity/noBannedTypes: each has the signature of its name in wasip1.
  #functions(): Record<string, Function> {
    return {
      ...this.#ofTheProcess(),
      ...this.#ofDescriptors(),
      ...this.#ofContents(),
      ...this.#ofPaths(),
    };
  }

  // biome-ignore lint/complexity/noBannedTypes: as above.
  #ofTheProcess(): Record<string, Function> {
    return {
      args_sizes_get: (count: number, bytes: number) => {
        this.#setU32(count, this.#args.length);
        this.#setU32(
          bytes,
          this.#args.reduce((sum, { length }) => sum + length, 0),
        );
        return ERRNO.success;
      },
      args_get: (pointers: number, bytes: number) => {
        let at = bytes;
        for (const [index, argument] of this.#args.entries()) {
          this.#setU32(pointers + 4 * index, at);
          this.#bytes(at, argument.length).set(argument);
          at += argument.length;
        }
        return ERRNO.success;
      },
      environ_sizes_get: (count: number, bytes: number) => {
        this.#setU32(count, 0);
        this.#setU32(bytes, 0);
        return ERRNO.success;
      },
      environ_get: () => ERRNO.success,
      clock_res_get: (_clock: number, result: number) => this.#setU64(result, CLOCK_STEP_NS),
      clock_time_get: (_clock: number, _precision: bigint, result: number) => {
        this.#clockNs += CLOCK_STEP_NS;
        return this.#setU64(result, this.#clockNs);
      },
      random_get: (at: number, length: number) => {
        const bytes = this.#bytes(at, length);
        for (let index = 0; index < length; index += 1) {
          this.#random = (Math.imul(this.#random, 1_103_515_245) + 12_345) >>> 0;
          bytes[index] = this.#random >>> 16;
        }
        return ERRNO.success;
      },
      sched_yield: () => ERRNO.success,
      proc_exit: (code: number) => {
        throw new Exit(code);
      },
    };
  }

  // biome-ignore lint/complexity/noBannedTypes: as above.
  #ofDescriptors(): Record<string, Function> {
    return {
      fd_close: (fd: number) => {
        const open = this.#descriptors[fd] != null;
        this.#descriptors[fd] = null;
        return open ? ERRNO.success : ERRNO.badf;
      },
      fd_renumber: (from: number, to: number) => {
        this.#descriptors[to] = this.#descriptors[from] ?? null;
        this.#descriptors[from] = null;
        return ERRNO.success;
      },
      fd_fdstat_get: (fd: number, result: number) =>
        this.#with(fd, ({ file, append }) => {
          this.#bytes(result, 24).fill(0);
          const view = this.#view();
          view.setUint8(result, file === null ? FILE_TYPE.directory : FILE_TYPE.regular);
          view.setUint16(result + 2, append ? FDFLAG_APPEND : 0, true);
          view.setBigUint64(result + 8, ALL_RIGHTS, true);
          view.setBigUint64(result + 16, ALL_RIGHTS, true);
          return ERRNO.success;
        }),
      fd_fdstat_set_flags: () => ERRNO.success,
      fd_filestat_get: (fd: number, result: number) =>
        this.#with(fd, ({ file }) => this.#setStat(result, file)),
      fd_prestat_get: (fd: number, result: number) => {
        if (fd !== ROOT_FD) {
          return ERRNO.badf;
        }
        this.#setU32(result, 0);
        this.#setU32(result + 4, 1);
        return ERRNO.success;
      },
      fd_prestat_dir_name: (_fd: number, at: number) => {
        this.#bytes(at, 1)[0] = '/'.charCodeAt(0);
        return ERRNO.success;
      },
      fd_readdir: (_fd: number, _at: number, _length: number, _cookie: bigint, used: number) => {
        this.#setU32(used, 0);
        return ERRNO.success;
      },
    };
  }

  // biome-ignore lint/complexity/noBannedTypes: as above.
  #ofContents(): Record<string, Function> {
    return {
      fd_read: (fd: number, pieces: number, count: number, result: number) =>
        this.#with(fd, (open) => {
          const length = this.#read(open.file, pieces, count, open.at);
          open.at += length;
          return this.#setU32(result, length);
        }),
      fd_pread: (fd: number, pieces: number, count: number, at: bigint, result: number) =>
        this.#with(fd, ({ file }) =>
          this.#setU32(result, this.#read(file, pieces, count, Number(at))),
        ),
      fd_write: (fd: number, pieces: number, count: number, result: number) =>
        this.#with(fd, (open) => {
          if (open.append) {
            open.at = open.file?.size ?? 0;
          }
          const length = this.#write(open.file, pieces, count, open.at);
          open.at += length;
          return this.#setU32(result, length);
        }),
      fd_pwrite: (fd: number, pieces: number, count: number, at: bigint, result: number) =>
        this.#with(fd, ({ file }) =>
          this.#setU32(result, this.#write(file, pieces, count, Number(at))),
        ),
      fd_seek: (fd: number, offset: bigint, whence: number, result: number) =>
        this.#with(fd, (open) => {
          const base = [0, open.at, open.file?.size ?? 0][whence];
          if (base === undefined || base + Number(offset) < 0) {
            return ERRNO.inval;
          }
          open.at = base + Number(offset);
          return this.#setU64(result, BigInt(open.at));
        }),
      fd_tell: (fd: number, result: number) =>
        this.#with(fd, ({ at }) => this.#setU64(result, BigInt(at))),
      fd_sync: () => ERRNO.success,
      fd_datasync: () => ERRNO.success,
      fd_advise: () => ERRNO.success,
      fd_filestat_set_size: (fd: number, size: bigint) =>
        this.#with(fd, ({ file }) => {
          file?.resize(Number(size));
          return ERRNO.success;
        }),
      fd_filestat_set_times: () => ERRNO.success,
    };
  }

  // biome-ignore lint/complexity/noBannedTypes: as above.
  #ofPaths(): Record<string, Function> {
    return {
      path_open: (
        _folder: number,
        _lookup: number,
        at: number,
        length: number,
        how: number,
        _rights: bigint,
        _inherited: bigint,
        flags: number,
        result: number,
      ) => {
        const name = this.#name(at, length);
        if (name !== '' && !this.#files.has(name) && (how & OPEN.create) === 0) {
          return ERRNO.noent;
        }
        const file = name === '' ? null : (this.#files.get(name) ?? new MemoryFile());
        if (file !== null) {
          if ((how & OPEN.directory) !== 0) {
            return ERRNO.noent;
          }
          if ((how & OPEN.truncate) !== 0) {
            file.resize(0);
          }
          this.#files.set(name, file);
        }
        const append = (flags & FDFLAG_APPEND) !== 0;
        return this.#setU32(result, this.#descriptors.push({ file, append, at: 0 }) - 1);
      },
      path_filestat_get: (_fd: number, _flags: number, at: number, length: number, to: number) => {
        const name = this.#name(at, length);
        const file = this.#files.get(name);
        return name !== '' && file === undefined ? ERRNO.noent : this.#setStat(to, file ?? null);
      },
      path_filestat_set_times: () => ERRNO.success,
      path_unlink_file: (_fd: number, at: number, length: number) =>
        this.#files.delete(this.#name(at, length)) ? ERRNO.success : ERRNO.noent,
      path_remove_directory: () => ERRNO.noent,
      path_readlink: () => ERRNO.inval,
    };
  }

  #with(fd: number, work: (open: Descriptor) => number): number {
    const open = this.#descriptors[fd];
    return open == null ? ERRNO.badf : work(open);
  }

  #read(file: MemoryFile | null, pieces: number, count: number, at: number): number {
    let length = 0;
    for (const piece of this.#pieces(pieces, count)) {
      length += file?.read(piece, at + length) ?? 0;
    }
    return length;
  }

  #write(file: MemoryFile | null, pieces: number, count: number, at: number): number {
    let length = 0;
    for (const piece of this.#pieces(pieces, count)) {
      file?.write(piece, at + length);
      length += piece.length;
    }
    return length;
  }

  #pieces(at: number, count: number): Uint8Array[] {
    const view = this.#view();
    return Array.from({ length: count }, (_, index) =>
      this.#bytes(view.getUint32(at + 8 * index, true), view.getUint32(at + 8 * index + 4, true)),
    );
  }

  /** A path in the one folder; the folder itself is ''. */
  #name(at: number, length: number): string {
    return DECODER.decode(this.#bytes(at, length)).replace(/^(?:\.?\/+)+|^\.$/, '');
  }

  #setStat(at: number, file: MemoryFile | null): number {
    this.#bytes(at, 64).fill(0);
    const view = this.#view();
    view.setUint8(at + 16, file === null ? FILE_TYPE.directory : FILE_TYPE.regular);
    view.setBigUint64(at + 24, 1n, true);
    view.setBigUint64(at + 32, BigInt(file?.size ?? 0), true);
    for (const time of [40, 48, 56]) {
      view.setBigUint64(at + time, CLOCK_START_NS, true);
    }
    return ERRNO.success;
  }

  #setU32(at: number, value: number): number {
    this.#view().setUint32(at, value, true);
    return ERRNO.success;
  }

  #setU64(at: number, value: bigint): number {
    this.#view().setBigUint64(at, value, true);
    return ERRNO.success;
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory!.buffer, at, length);
  }

  /** A new one each time: growing the memory detaches the old. */
  #view(): DataView {
    return new DataView(this.#memory!.buffer);
  }
}
