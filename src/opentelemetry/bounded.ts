/**
 * What waits to be sent is bounded: where a collector is slow or down, what comes on top is dropped, and counted.
 * The SDK's own processors drop, too, and say it to nobody; these hand them no more than they keep.
 */

import { TraceFlags } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';

/** Spans, and log records, that wait or are being sent. The SDK's own number. */
export const QUEUE_MAX = 2_048;

/** What has become of one signal's records. */
export interface SignalCounts {
  /** Taken by the collector. */
  readonly sent: number;
  /** Given up, as the collector did not take them. */
  readonly failed: number;
  /** Never waited, as there was no room. */
  readonly dropped: number;
  /** Wait or are being sent. */
  readonly waiting: number;
}

/** Counts one signal's records on their way. */
export class Outbound {
  #sent = 0;
  #failed = 0;
  #dropped = 0;
  #waiting = 0;
  readonly #most: number;
  readonly #onFailing: (isFailing: boolean, why: string) => void;
  #isFailing = false;

  /** `onFailing` is told when the collector begins not to take records, and when it does again. */
  constructor(onFailing: (isFailing: boolean, why: string) => void, most = QUEUE_MAX) {
    this.#onFailing = onFailing;
    this.#most = most;
  }

  get counts(): SignalCounts {
    return {
      sent: this.#sent,
      failed: this.#failed,
      dropped: this.#dropped,
      waiting: this.#waiting,
    };
  }

  /** Whether there is room for one more, which then waits. */
  take(): boolean {
    if (this.#waiting >= this.#most) {
      this.#dropped += 1;
      return false;
    }
    this.#waiting += 1;
    return true;
  }

  /** So many were sent, or were not. */
  settle(records: number, { code, error }: ExportResult): void {
    this.#waiting = Math.max(0, this.#waiting - records);
    const isFailing = code !== ExportResultCode.SUCCESS;
    if (isFailing) {
      this.#failed += records;
    } else {
      this.#sent += records;
    }
    if (isFailing !== this.#isFailing) {
      this.#isFailing = isFailing;
      this.#onFailing(isFailing, error?.message ?? 'it did not answer');
    }
  }
}

/** What exporters of all signals have in common. */
interface Exporter<Items> {
  export(items: Items, done: (result: ExportResult) => void): void;
}

/** Has the results of an exporter counted. */
export function counted<Items extends readonly unknown[], Kind extends Exporter<Items>>(
  exporter: Kind,
  outbound: Outbound,
): Kind {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    send(items, (result) => {
      outbound.settle(items.length, result);
      done(result);
    });
  return exporter;
}

/** A processor of spans that hands on what there is room for. */
export function boundedSpans(inner: SpanProcessor, outbound: Outbound): SpanProcessor {
  return {
    onStart: (span, parent) => inner.onStart(span, parent),
    onEnd: (span) => {
      const isSampled = (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
      if (isSampled && outbound.take()) {
        inner.onEnd(span);
      }
    },
    forceFlush: () => inner.forceFlush(),
    shutdown: () => inner.shutdown(),
  };
}

/** The same for log records. */
export function boundedLogs(inner: LogRecordProcessor, outbound: Outbound): LogRecordProcessor {
  return {
    onEmit: (record, context) => {
      if (outbound.take()) {
        inner.onEmit(record, context);
      }
    },
    forceFlush: () => inner.forceFlush(),
    shutdown: () => inner.shutdown(),
  };
}
