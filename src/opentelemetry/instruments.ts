/**
 * The kernel's metrics as instruments. Nothing is counted twice: they are read where Prometheus's text reads them,
 * when the collector's turn has come.
 */

import type { Attributes, Meter, Observable } from '@opentelemetry/api';
import { attributeOfLabel } from './attributes.ts';
import type { MetricDescription, MetricSource } from './telemetry.ts';

/** Units that Prometheus's names end with, as UCUM has them. */
const UNITS: readonly (readonly [suffix: string, unit: string])[] = [
  ['_bytes', 'By'],
  ['_seconds', 's'],
];

/**
 * A metric's name and unit as OpenTelemetry has them: `ringfence_cpu_seconds_total` is `ringfence.cpu` in `s`. A
 * collector that writes for Prometheus makes the same name of it again.
 */
function instrumentOf({ name }: Pick<MetricDescription, 'name'>): {
  readonly name: string;
  readonly unit: string;
} {
  const plain = name.replace(/^ringfence_/, 'ringfence.').replace(/_total$/, '');
  for (const [suffix, unit] of UNITS) {
    if (plain.endsWith(suffix)) {
      return { name: plain.slice(0, -suffix.length), unit };
    }
  }
  return { name: plain, unit: '1' };
}

/**
 * Has a meter read the metrics; answers how it does so for the last time. `isKept`: the last values are told again
 * until the meter is closed, so that none is lost that was not told yet.
 */
export function measure(
  meter: Meter,
  { descriptions, read: readNow }: MetricSource,
  { attributes, isKept }: { readonly attributes: Attributes; readonly isKept: boolean },
): () => void {
  let read: MetricSource['read'] = readNow;
  const instruments = new Map<string, Observable>();
  for (const description of descriptions) {
    const { name, unit } = instrumentOf(description);
    const options = { description: description.help, unit };
    instruments.set(
      description.name,
      description.kind === 'counter'
        ? meter.createObservableCounter(name, options)
        : meter.createObservableGauge(name, options),
    );
  }
  const observables = [...instruments.values()];
  const observe: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    for (const { name, label, values } of read()) {
      const instrument = instruments.get(name);
      for (const [of, value] of instrument === undefined ? [] : values) {
        const told = label === null ? attributes : { ...attributes, [attributeOfLabel(label)]: of };
        result.observe(instrument as Observable, value, told);
      }
    }
  };
  meter.addBatchObservableCallback(observe, observables);
  return () => {
    if (isKept) {
      const last = read();
      read = () => last;
    } else {
      meter.removeBatchObservableCallback(observe, observables);
    }
  };
}
