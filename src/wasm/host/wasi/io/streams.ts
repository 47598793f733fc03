/** wasi:io/streams: reading, writing and splicing, without blocking the worker. */

import { ok, type Result, type WAIT } from '../../abi/binding.ts';
import type { HostAgent, Subscribe } from '../../agent.ts';
import type {
  StreamError,
  Functions as StreamsFunctions,
} from '../../generated/wasi-io-streams.ts';
import { implement, releaseHeld } from '../../implement.ts';
import type { InputStream } from './input-stream.ts';
import { type OutputStream, zeroes } from './output-stream.ts';
import { Pollable } from './pollable.ts';

/** The most bytes that `blocking-write-and-flush` takes, as WASI says. */
export const BLOCKING_WRITE_BYTES_MAX = 4096;

/** How far a blocking write has got, kept between its tries. */
interface WriteProgress {
  written: number;
  flushing: boolean;
}

/** How far the call under way has got: nowhere, at its first try. */
function progressOf(agent: HostAgent): WriteProgress {
  return (agent.pending as WriteProgress | undefined) ?? { written: 0, flushing: false };
}

function pause(agent: HostAgent, state: object, subscribe: Subscribe): typeof WAIT {
  agent.pending = state;
  return agent.wait(subscribe);
}

/** Goes on with a write until all of it is taken and flushed. */
function writeAndFlush(
  agent: HostAgent,
  stream: OutputStream,
  bytes: Uint8Array,
): Result<undefined, StreamError> | typeof WAIT {
  const progress = progressOf(agent);
  while (progress.written < bytes.length) {
    const refused = stream.refusal(agent);
    if (refused !== null) {
      return refused;
    }
    const written = stream.writeSome(bytes.subarray(progress.written));
    if (written === 0) {
      return pause(agent, progress, stream.onReady);
    }
    progress.written += written;
  }
  return finishFlush(agent, stream, progress);
}

/** Flushes, and waits until that is through and the stream takes bytes again. */
function finishFlush(
  agent: HostAgent,
  stream: OutputStream,
  progress: WriteProgress,
): Result<undefined, StreamError> | typeof WAIT {
  if (!progress.flushing) {
    progress.flushing = true;
    const refused = stream.flush(agent);
    if (refused.tag === 'err') {
      return refused;
    }
  }
  const refused = stream.refusal(agent);
  if (refused !== null) {
    return refused;
  }
  return stream.ready ? ok() : pause(agent, progress, stream.onReady);
}

function blockingWrite(
  agent: HostAgent,
  stream: OutputStream,
  length: bigint,
  bytes: () => Uint8Array,
): Result<undefined, StreamError> | typeof WAIT {
  if (length > BLOCKING_WRITE_BYTES_MAX) {
    return agent.trap(
      `a blocking write of ${length} bytes: it takes at most ${BLOCKING_WRITE_BYTES_MAX} at a time`,
    );
  }
  return writeAndFlush(agent, stream, bytes());
}

function skip(agent: HostAgent, stream: InputStream, length: bigint): Result<bigint, StreamError> {
  const read = stream.read(agent, length);
  return read.tag === 'ok' ? ok(BigInt(read.val.length)) : read;
}

/** As WASI defines it: `check-write`, `read` of no more than that, `write`. */
function splice(
  agent: HostAgent,
  output: OutputStream,
  input: InputStream,
  length: bigint,
): Result<bigint, StreamError> {
  const permitted = output.checkWrite(agent);
  if (permitted.tag === 'err') {
    return permitted;
  }
  const read = input.read(agent, length < permitted.val ? length : permitted.val);
  if (read.tag === 'err') {
    return read;
  }
  const written = output.write(agent, read.val);
  return written.tag === 'ok' ? ok(BigInt(read.val.length)) : written;
}

export const ioStreams = implement<StreamsFunctions>('wasi:io/streams', null, {
  '[method]input-stream.read': (agent, stream, length) => stream.read(agent, length),
  '[method]input-stream.blocking-read': {
    blocking: true,
    run: (agent, stream, length) =>
      stream.ready ? stream.read(agent, length) : pause(agent, stream, stream.onReady),
  },
  '[method]input-stream.skip': (agent, stream, length) => skip(agent, stream, length),
  '[method]input-stream.blocking-skip': {
    blocking: true,
    run: (agent, stream, length) =>
      stream.ready ? skip(agent, stream, length) : pause(agent, stream, stream.onReady),
  },
  '[method]input-stream.subscribe': (agent, stream) => new Pollable(agent, stream),
  '[resource-drop]input-stream': releaseHeld,

  '[method]output-stream.check-write': (agent, stream) => stream.checkWrite(agent),
  '[method]output-stream.write': (agent, stream, contents) => stream.write(agent, contents),
  '[method]output-stream.blocking-write-and-flush': {
    blocking: true,
    run: (agent, stream, contents) =>
      blockingWrite(agent, stream, BigInt(contents.length), () => contents),
  },
  '[method]output-stream.flush': (agent, stream) => stream.flush(agent),
  '[method]output-stream.blocking-flush': {
    blocking: true,
    run: (agent, stream) => finishFlush(agent, stream, progressOf(agent)),
  },
  '[method]output-stream.subscribe': (agent, stream) => new Pollable(agent, stream),
  '[method]output-stream.write-zeroes': (agent, stream, length) =>
    stream.writeZeroes(agent, length),
  '[method]output-stream.blocking-write-zeroes-and-flush': {
    blocking: true,
    run: (agent, stream, length) =>
      blockingWrite(agent, stream, length, () => zeroes(Number(length))),
  },
  '[method]output-stream.splice': splice,
  '[method]output-stream.blocking-splice': {
    blocking: true,
    run: (agent, output, input, length) => {
      if (!output.ready) {
        return pause(agent, output, output.onReady);
      }
      // An output that is closed stays so: waiting for input would be for nothing.
      if (!output.closed && !input.ready) {
        return pause(agent, input, input.onReady);
      }
      return splice(agent, output, input, length);
    },
  },
  '[resource-drop]output-stream': releaseHeld,
});
