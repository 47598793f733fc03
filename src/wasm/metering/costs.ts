/**
 * The fuel table: what each thing costs, in units of about one simple instruction.
 *
 * Fuel is part of what users see and compare, so a change of any number here is a new version.
 */

/** Raised with any change of a cost, or of a rule of where charges stand; part of the key of the cache. */
export const FUEL_TABLE_VERSION = 3;

/** `block`, `end`, `else`, `nop` and the like, which become no machine code. */
export const COST_FREE = 0;
/** Every instruction that isn't named here. */
export const COST_SIMPLE = 1;
/** Integer division and remainder; floating-point division and square root. */
export const COST_DIVISION = 4;
/** One pass of a loop's header, besides what stands in the loop. Never 0: no loop is free. */
export const COST_LOOP = 1;
/** Entry of a function, besides its locals. Never 0: no recursion is free. */
export const COST_FUNCTION = 2;
/** So many parameters and locals of a function, or operands that a call moves, cost one unit more. */
export const SLOTS_PER_UNIT = 8;
/** A call of a function of the module. */
export const COST_CALL = 2;
/** A call through a table or of a reference (whatever function it is). */
export const COST_CALL_INDIRECT = 6;
/** A call of an imported function, besides what the host charges for what it does. */
export const COST_CALL_IMPORTED = 20;
/** `throw`, `rethrow` and `throw_ref`: the engine allocates and unwinds. */
export const COST_THROW = 500;
/**
 * Entry of what has handlers: an exception that none of them takes stops there all the same, which the
 * engine does in some 100 ns and nothing injected sees.
 */
export const COST_TRY = 25;
/** Entry of a handler. */
export const COST_CATCH = 10;
/** `ref.func`. */
export const COST_REFERENCE = 10;
/** `table.get` and `table.set`: calls into the engine. */
export const COST_TABLE_ACCESS = 40;
/** Each bulk memory or table operation, besides its length. */
export const COST_BULK = 10;
/** So many bytes of `memory.fill`, `memory.copy`, `memory.init` cost one unit (a power of two: 2 ** 3). */
export const BULK_BYTES_PER_UNIT_LOG2 = 3;
/** Each element of `table.fill`, `table.copy`, `table.init`: the engine keeps two tables in step. */
export const COST_BULK_ELEMENT = 64;
/** Each `memory.grow` and `table.grow`, granted or not. */
export const COST_GROW = 200;
/** Each page that `memory.grow` adds: the host clears and maps it. */
export const COST_GROWN_PAGE = 1000;
/** Each element that `table.grow` adds. */
export const COST_GROWN_ELEMENT = 128;

/** A new struct or array, besides its bytes. */
export const COST_ALLOCATION = 20;
/** So many bytes of a new struct or array cost one unit (a power of two: 2 ** 2). */
export const ALLOCATED_BYTES_PER_UNIT_LOG2 = 2;
/** What every struct and array has besides its fields or elements. */
export const ALLOCATION_HEADER_BYTES = 16;
/** Bytes that a reference counts in a struct or an array. */
export const REFERENCE_BYTES = 8;
/** Bytes that a reference counts where it is copied or filled in: the garbage collector is told of each. */
export const REFERENCE_BYTES_MOVED = 32;
/** What an element counts at least that is filled in: the engine does one after the other. */
export const FILLED_ELEMENT_BYTES_MIN = 8;
/** `ref.test`, `ref.cast`, `br_on_cast` and `br_on_cast_fail`. */
export const COST_CAST = 4;
/** What a new array costs at most before it is found to be too large: no length overflows the counter. */
export const ALLOCATION_UNITS_MAX = 2 ** 29;

/** What `memory.grow` asks the host for, a page. */
export const PAGE_BYTES = 65536;
/** What a table element counts as towards the memory limit. */
export const TABLE_ELEMENT_BYTES = 16;
/** A bulk memory operation runs in pieces of so many bytes, with a check before each. */
export const BULK_PIECE_BYTES = 1 << 20;
/** A bulk table operation runs in pieces of so many elements. */
export const BULK_PIECE_ELEMENTS = 1 << 14;

/** A segment that grows beyond this is split, with a check: bounds what is charged at once. */
export const SEGMENT_COST_MAX = 4096;
/** What stands in a segment after a place that may leave it is charged all the same; at most this much. */
export const SEGMENT_COST_AFTER_BRANCH_MAX = 64;
/** Arms of an `if` that cost no more are charged with it, as the dearer one of them. */
export const ARM_COST_MAX = 16;
/**
 * On no path of a function more than this is charged without a check, besides what one instruction costs.
 * Thousands of frames may be left one after another, each with so much behind its call.
 */
export const UNCHECKED_COST_MAX = 8_192;
/**
 * What each segment that was begun since the last check counts towards that, besides what stands before
 * a place in it: so few are begun that what is charged with them all the same, for what stands behind
 * the place that control left them from, stays far from the counter's end in thousands of frames.
 */
export const UNCHECKED_COST_OF_SEGMENT = 16;
/** A function without calls and loops that costs no more in all is charged where it is called. */
export const LEAF_COST_MAX = 48;
/** A longer body (in bytes) is no such function: it is not looked into. */
export const LEAF_BODY_BYTES_MAX = 128;
/** Nor is one with more parameters and locals. */
export const LEAF_SLOTS_MAX = 16;

/**
 * The first check after each multiple of this many used units is one of the places that a trap's usage
 * is reported from: where they are does not depend on slices. No grant of fuel reaches past the next.
 */
export const FUEL_STRIDE = 2_097_152;
/** Where the host sets the counter of an agent that it ends: no path from there comes back or wraps. */
export const FUEL_ENDED = -(2 ** 30);

/** Bytes that a call frame counts, besides its slots. */
export const FRAME_BYTES = 64;
/** Bytes that a parameter, local or operand counts in a frame (a v128: twice that). */
export const FRAME_BYTES_PER_SLOT = 8;
/** Frames of functions that call nothing are counted only above this size. */
export const LEAF_FRAME_BYTES_FREE = 1024;
/** The call depth, in frame bytes, beyond which a call traps. */
export const DEPTH_LIMIT_BYTES = 524_288;
