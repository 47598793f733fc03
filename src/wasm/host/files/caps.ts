/** Every bound of the engine on what a guest can make it do, hold or allocate. */

/** Bytes that one request reads, whatever length is asked for. */
export const READ_BYTES_MAX = 1024 * 1024;

/** Bytes that one request writes; the rest is for the next one. */
export const WRITE_BYTES_MAX = 1024 * 1024;

/** A path's bytes in UTF-8: Linux' PATH_MAX without its NUL. */
export const PATH_BYTES_MAX = 4095;

/** A segment's bytes in UTF-8: Linux' NAME_MAX. */
export const SEGMENT_BYTES_MAX = 255;

/** Symbolic links that are followed for one path, as Linux does. */
export const LINKS_FOLLOWED_MAX = 40;

/** Steps of one path, those of the links in it included: each costs a system call. */
export const STEPS_MAX = 512;

/** Directories that one path may go down at a time: each is held open until the path is through. */
export const DEPTH_MAX = 256;

/** Descriptors that an agent has open at a time: files, directories, directory streams. */
export const DESCRIPTORS_MAX = 256;

/** Entries that one request reads of a directory. */
export const ENTRIES_MAX = 64;

/** Content is counted in blocks of so many bytes, as a disk keeps it. */
export const BLOCK_BYTES = 4096;

/** What an entry counts beside its content: its name, and what describes it. */
export const ENTRY_BYTES = 1024;

/** Offsets and sizes from here on are too large for a signed 64-bit number. */
export const OFFSET_END = 2 ** 63;
