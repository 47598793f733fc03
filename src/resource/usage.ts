/** What an agent has used, as the report shows it. */

/** Usage of one agent; the names are those of the report. */
export interface Usage {
  /** Units of fuel; where fuel ended the agent, its limit. */
  readonly fuel: number;
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
}

/** The usage of what never ran. */
export const NOTHING_USED: Usage = {
  fuel: 0,
  memory_bytes: 0,
  cpu_time_ms: 0,
  wall_time_ms: 0,
  messages_sent: 0,
  tool_calls: 0,
  disk_bytes: 0,
};
