/** The options of `ringfence serve` that `run` has not. */

import type { Option } from 'commander';
import { parseCount, parseDuration, parseSize, TIMER_MS_MAX } from '../index.ts';
import { RUN_GROUPS } from './help-text.ts';
import { between } from './number-option.ts';
import { option, usage } from './option.ts';
import { quoted } from './printable.ts';

/** Where a server listens. */
export interface Address {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** What is served where, and how much of it at a time. */
export interface Serving {
  readonly address: Address;
  readonly keepWarm: number;
  readonly maxConcurrent: number;
  readonly timeoutMs: number;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  /** How long requests under way have at the end. */
  readonly drainMs: number;
}

/** The values of the options, as the library keeps them. */
export interface ServingOptions {
  readonly addr?: Address;
  readonly keepWarm?: number;
  readonly maxConcurrent?: number;
  readonly requestTimeout?: number;
  readonly maxRequest?: number;
  readonly maxResponse?: number;
  readonly drain?: number;
}

const ADDRESS_DEFAULT: Address = { host: '127.0.0.1', port: 8080 };
const PORT_MAX = 65_535;
const MEBIBYTE = 1024 * 1024;

function readAddress(text: string): Address {
  const match = /^(?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)?:)?([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > PORT_MAX) {
    throw usage(
      `Cannot use --addr ${quoted(text)}: write HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or :0.`,
    );
  }
  const host = match[1] ?? ADDRESS_DEFAULT.host;
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

/** All options that say where and how much is served. */
export function servingOptions(): Option[] {
  const group = RUN_GROUPS.serve;
  const [count, duration, size] = [parseCount, parseDuration, parseSize];
  const bytesMax = Number.MAX_SAFE_INTEGER;
  return [
    option('--addr', ' HOST:PORT', 'where it listens (default: 127.0.0.1:8080)', group).argParser(
      readAddress,
    ),
    option(
      '--keep-warm',
      ' N',
      'instances that are kept for later requests, memory and all (default: 0)',
      group,
    ).argParser(between('--keep-warm', count, 0, 10_000)),
    option(
      '--max-concurrent',
      ' N',
      'requests at a time; others get 503 (default: 256)',
      group,
    ).argParser(between('--max-concurrent', count, 1, 10_000)),
    option(
      '--request-timeout',
      ' DURATION',
      'from a request to the end of its response (default: 30s)',
      group,
    ).argParser(between('--request-timeout', duration, 1, TIMER_MS_MAX, ' ms')),
    option('--max-request', ' SIZE', "of a request's body (default: 16MiB)", group).argParser(
      between('--max-request', size, 0, bytesMax, ' bytes'),
    ),
    option('--max-response', ' SIZE', "of a response's body (default: 1GiB)", group).argParser(
      between('--max-response', size, 0, bytesMax, ' bytes'),
    ),
    option(
      '--drain',
      ' DURATION',
      'how long requests under way have when it ends (default: 10s)',
      group,
    ).argParser(between('--drain', duration, 0, TIMER_MS_MAX, ' ms')),
  ];
}

/** Fills in what was not said. */
export function readServing(options: ServingOptions): Serving {
  return {
    address: options.addr ?? ADDRESS_DEFAULT,
    keepWarm: options.keepWarm ?? 0,
    maxConcurrent: options.maxConcurrent ?? 256,
    timeoutMs: options.requestTimeout ?? 30_000,
    maxRequestBytes: options.maxRequest ?? 16 * MEBIBYTE,
    maxResponseBytes: options.maxResponse ?? 1024 * MEBIBYTE,
    drainMs: options.drain ?? 10_000,
  };
}
