/** What an agent has used, as the report shows it. */

import { FUEL_TABLE_VERSION } from '../wasm/metering/costs.ts';

export { FUEL_TABLE_VERSION };

/** Usage of one agent; the names are those of the report. */
export interface Usage {
  /** Units of fuel; where fuel ended the agent, its limit. */
  readonly fuel: number;
  /** The version of the table by which fuel was counted: docs/fuel.md. */
  readonly fuel_table: number;
  /** Bytes of all its memories and tables, at their largest. */
  readonly memory_bytes: number;
  /** CPU time of its slices, in milliseconds. */
  readonly cpu_time_ms: number;
  /** Milliseconds since its spawn. */
  readonly wall_time_ms: number;
  /** Sends that passed the gate, also those that found no receiver or no room. */
  readonly messages_sent: number;
  /** Calls of tools that passed the gate. */
  readonly tool_calls: number;
  /** Always 0 yet: nothing can be written. */
  readonly disk_bytes: number;
  /** Slices of computing that it has used up. */
  readonly slices: number;
  /** HTTP requests that it has sent, those that were refused included. */
  readonly network_requests: number;
  /** Bytes of bodies that it has sent and received, without what is around them. */
  readonly network_bytes_out: number;
  readonly network_bytes_in: number;
  /** The longest that it was ready to run before it ran, in milliseconds. */
  readonly longest_wait_ms: number;
}

/** The usage of what never ran. */
export const NOTHING_USED: Usage = {
  fuel: 0,
  fuel_table: FUEL_TABLE_VERSION,
  memory_bytes: 0,
  cpu_time_ms: 0,
  wall_time_ms: 0,
  messages_sent: 0,
  tool_calls: 0,
  disk_bytes: 0,
  slices: 0,
  network_requests: 0,
  network_bytes_out: 0,
  network_bytes_in: 0,
  longest_wait_ms: 0,
};
