/** What an agent has used, as the report shows it. */

/** Usage of one agent; the names are those of the report. */
export interface Usage {
  /** Units of fuel; where fuel ended the agent, its limit. */
  readonly fuel: number;
  /** Bytes of all its memories and tables, at their largest. */
  readonly memory_bytes: number;
  readonly cpu_time_ms: number;
  readonly wall_time_ms: number;
  readonly messages_sent: number;
  readonly tool_calls: number;
  readonly disk_bytes: number;
}
