/** What a value read from JSON takes in memory: `[{},{},…]` takes many times the bytes of its text. */

/** V8's objects and arrays, with what points to them: measured as 40 to 70 bytes where they are empty. */
const OBJECT_BYTES = 64;
/** A place in an array, or a field of an object. */
const PLACE_BYTES = 16;
/** A character; V8 keeps one that Latin-1 has in one. */
const CHARACTER_BYTES = 2;

/** About the bytes of memory that a value takes, rather too many than too few. */
export function heldBytes(value: unknown): number {
  let bytes = 0;
  const left: unknown[] = [value];
  while (left.length > 0) {
    const each = left.pop();
    bytes += PLACE_BYTES;
    if (typeof each === 'string') {
      bytes += each.length * CHARACTER_BYTES;
    } else if (Array.isArray(each)) {
      bytes += OBJECT_BYTES;
      for (const item of each) {
        left.push(item);
      }
    } else if (typeof each === 'object' && each !== null) {
      bytes += OBJECT_BYTES;
      for (const [name, field] of Object.entries(each)) {
        bytes += name.length * CHARACTER_BYTES;
        left.push(field);
      }
    }
  }
  return bytes;
}
