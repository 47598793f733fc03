/**
 * The same kernels metered by `@permaweb/wasm-metering`, which injects a call of an imported function
 * into each segment. It knows WebAssembly 1.0 only, so it is compared with kernels compiled to that.
 */

import { cpuTime, type Row } from '../measure.ts';
import { valuesInTurns } from '../rounds.ts';
import { compileKernels, KERNELS } from './kernels.ts';
import { comparisonRows, geometricMeanRow } from './rows.ts';
import { PLAIN } from './subjects.ts';

const NAME = 'wasm-metering';
const ROUNDS = 5;

const NEWER_FEATURES = ['bulk-memory', 'sign-extension', 'nontrapping-f2i'];

/** As far as it is used; the package has no types. */
interface Peer {
  meterWASM(bytes: Uint8Array, options: { readonly meterType: 'i32' }): Uint8Array<ArrayBuffer>;
}

/** By a name that is not seen by the type check: there are no types. */
async function loadPeer(): Promise<Peer> {
  const specifier = '@permaweb/wasm-metering';
  return ((await import(specifier)) as { default: Peer }).default;
}

/** The kernels by the peer against the plain module. */
export async function peerRows(): Promise<Row[]> {
  const peer = await loadPeer();
  const bytes = await compileKernels(
    'kernels.as.ts',
    NEWER_FEATURES.flatMap((feature) => ['--disable', feature]),
  );
  // In WebAssembly, so that no call leaves it: the best that the peer can have.
  const counter = await compileKernels('peer.as.ts');
  const metering = new WebAssembly.Instance(new WebAssembly.Module(counter), {}).exports;
  // The peer's toolkit wants a Buffer.
  const rewritten = peer.meterWASM(Buffer.from(bytes), { meterType: 'i32' });
  const [plain, metered] = await Promise.all([
    PLAIN.build(bytes).instantiate(new WebAssembly.Module(bytes), {}),
    PLAIN.build(rewritten).instantiate(new WebAssembly.Module(rewritten), { metering }),
  ]);
  const rows: Row[] = [];
  for (const [name, argument] of Object.entries(KERNELS)) {
    const runs = [plain, metered].map((running) => () => running.call(name, argument));
    if (runs[0]!() !== runs[1]!()) {
      throw new Error(`${name} answers something else when ${NAME} meters it`);
    }
    const measured = await valuesInTurns(
      ROUNDS,
      runs.map((run) => () => cpuTime(run)),
    );
    rows.push(
      ...comparisonRows(name, [
        { subject: PLAIN.name, rounds: measured[0]!, unitsUsed: null },
        { subject: NAME, rounds: measured[1]!, unitsUsed: null },
      ]),
    );
  }
  return [...rows, geometricMeanRow('kernels', NAME, rows)];
}
