/** Goal: a backend that was closed starts nothing. Method: the backend alone, of one thread. */

import { expect, test } from 'vitest';
import { ControlBlocks } from '../resource/control-blocks.ts';
import { EngineRoom } from '../resource/engine-room.ts';
import { WasmBackend } from './wasm.ts';

const backend = (): WasmBackend =>
  new WasmBackend({
    workers: 1,
    sliceFuel: 1_000_000,
    blocks: new ControlBlocks(1).memory,
    room: new EngineRoom({ mapCountMax: 65_530, trapHandler: true }),
    processWalls: 'if-available',
    onWarning: () => {},
  });

test('after its close it tries no process, and gives no turn to start one', async () => {
  const closed = backend();
  await closed.ready();
  await closed.close();
  for (const asked of [closed.turn('process'), closed.turn('thread'), closed.walls()]) {
    await expect(asked).rejects.toMatchObject({ code: 'RF_CLOSED' });
  }
  // The control: before it, who asks has a turn.
  const open = backend();
  await open.ready();
  (await open.turn('thread')).end();
  await open.close();
});
