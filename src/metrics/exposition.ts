/** The metrics of a kernel as text for Prometheus, by prom-client in a registry of the kernel's own. */

import { Counter, Gauge, Registry } from 'prom-client';
import { DEFINITIONS, type Definition, type Sample } from './definitions.ts';
import { Highest } from './highest.ts';

/** The metrics of one kernel. */
export class Exposition {
  readonly #registry = new Registry();
  readonly #updates: readonly ((sample: Sample) => void)[];

  constructor() {
    this.#updates = DEFINITIONS.map((definition) => update(definition, this.#registry));
  }

  /** What Prometheus reads. */
  text(sample: Sample): Promise<string> {
    for (const each of this.#updates) {
      each(sample);
    }
    return this.#registry.metrics();
  }
}

/** Makes a metric; answers what brings it up to date. */
function update({ kind, name, help, label, read }: Definition, registry: Registry) {
  const configuration: Configuration = {
    name,
    help,
    labelNames: label === null ? [] : [label],
    registers: [registry],
  };
  const take = kind === 'counter' ? counting(configuration) : setting(configuration);
  return (sample: Sample): void => {
    const reading = read(sample);
    const values = typeof reading === 'number' ? [['', reading] as const] : reading;
    for (const [value, number] of values) {
      take(label === null ? {} : { [label]: value }, value, number);
    }
  };
}

type Take = (labels: Record<string, string>, value: string, number: number) => void;
interface Configuration {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: Registry[];
}

function setting(configuration: Configuration): Take {
  const gauge = new Gauge(configuration);
  return (labels, _, number) => gauge.set(labels, number);
}

function counting(configuration: Configuration): Take {
  const counter = new Counter(configuration);
  const highest = new Highest();
  return (labels, value, number) => {
    const before = highest.of(value, 0);
    counter.inc(labels, highest.of(value, number) - before);
  };
}
