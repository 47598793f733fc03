// The objects of the guest that the host has handles to. This is AssemblyScript; the build puts it beside
// the generated modules as `wit/resources.ts`.
//
// Behind a handle the component model keeps a number of the guest's choice: here an object's place in a
// list, which keeps the collector from the object. An object may have several handles, each with a
// number of its own.

/** The objects by their numbers; 0 is nobody's. */
const objects: Array<Object | null> = [null];

/** Numbers that are free again. */
const free = new Array<u32>();

/** Gives an object a number, by which the host knows it. */
export function expose<T>(object: T): u32 {
  const held = changetype<Object>(object);
  if (free.length > 0) {
    const number = free.pop();
    objects[number] = held;
    return number;
  }
  return objects.push(held) - 1;
}

/** The object of a number. */
export function exposed<T>(number: u32): T {
  const held = objects[number];
  if (held === null) unreachable();
  return changetype<T>(held);
}

/** The object of a number, which the host gives back: nobody tells the object that it is dropped. */
export function take<T>(number: u32): T {
  const object = exposed<T>(number);
  objects[number] = null;
  return object;
}

/** The host has dropped the handle: frees the number and answers the object, unless it was taken. */
export function discard<T>(number: u32): T | null {
  const held = objects[number];
  objects[number] = null;
  free.push(number);
  return changetype<T | null>(held);
}
