/** All that makes something of a file's bytes: components, and the worlds in `component-type` sections. */

export { type FileKind, fileKind, readComponent } from './read-component.ts';
export { decodeWorld, type World, worldSection } from './world.ts';
