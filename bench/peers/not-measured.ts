/**
 * What can't be installed from npm or Debian, with what its makers or others have published of it. Such a figure is
 * of another machine, another module and another day: it says in which range to look, and compares nothing.
 */

import type { Row } from '../measure.ts';

/** A figure that somebody published. */
interface Published {
  readonly name: string;
  /** Null: none was found of a start or of memory. */
  readonly figure: string | null;
  /** When it was published, as its source says it. */
  readonly date: string | null;
  readonly source: string;
}

const PUBLISHED: readonly Published[] = [
  {
    name: 'Wasmtime',
    figure: '5 µs to instantiate a JavaScript engine of some megabytes',
    date: '2022-09-06',
    source: 'https://bytecodealliance.org/articles/wasmtime-10-performance',
  },
  {
    name: 'Lucet, of Fastly',
    figure: 'less than 50 µs to instantiate a module',
    date: '2019-05-15',
    source: 'https://www.fastly.com/blog/lucet-performance-and-lifecycle',
  },
  {
    name: 'Spin',
    figure: 'half a millisecond for a cold start',
    date: '2025',
    source: 'https://www.fermyon.com/blog/monkcast-interview-2025',
  },
  {
    name: 'Hyperlight',
    figure: '0.9 ms for functions in a micro-VM of their own, on average',
    date: '2025-02-11',
    source:
      'https://opensource.microsoft.com/blog/2025/02/11/hyperlight-creating-a-0-0009-second-micro-vm-execution-time',
  },
  {
    name: 'Unikraft',
    figure: 'about 1 ms to boot, 3 to 40 ms with the monitor; less than 10 MB of memory',
    date: '2021',
    source: 'https://github.com/unikraft/eurosys21-artifacts',
  },
  {
    name: 'Firecracker',
    figure: 'at most 125 ms to boot a minimal kernel, and at most 5 MiB for the monitor of each',
    date: '2026-03-20',
    source: 'https://github.com/firecracker-microvm/firecracker/blob/main/SPECIFICATION.md',
  },
  {
    name: 'lunatic',
    figure: null,
    date: null,
    source: 'https://github.com/lunatic-solutions/lunatic/discussions/64',
  },
  { name: 'Golem', figure: null, date: null, source: 'https://learn.golem.cloud' },
  { name: 'wasmCloud', figure: null, date: null, source: 'https://wasmcloud.com/docs' },
  { name: 'Wassette', figure: null, date: null, source: 'https://github.com/microsoft/wassette' },
];

/** A row for each, that says what it is. */
export function publishedRows(): Row[] {
  return PUBLISHED.map(({ name, figure, date, source }) => ({
    part: 'peers',
    name: `published: ${name}`,
    value:
      figure === null
        ? 'no figure found, not measured here'
        : `${figure} (published${date === null ? '' : ` ${date}`}, not measured here)`,
    ratio: null,
    against: source,
  }));
}
