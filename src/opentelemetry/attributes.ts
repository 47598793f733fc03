/**
 * The names under which agents are told of: OpenTelemetry's own where it has one, else ringfence's.
 *
 * Those of `gen_ai` are not stable yet, so they stand here as semantic-conventions 1.45 has them, as its own
 * page for instrumentations asks. No name has a value that could be a secret, a body or a path of the host.
 */

/** Characters of a value. */
export const VALUE_CHARACTERS_MAX = 256;

/** Characters of a line that an agent has logged. */
export const LOG_CHARACTERS_MAX = 4_096;

/** Names of attributes. */
export const ATTRIBUTE = {
  agentName: 'gen_ai.agent.name',
  operation: 'gen_ai.operation.name',
  toolName: 'gen_ai.tool.name',
  pid: 'ringfence.agent.pid',
  parentPid: 'ringfence.agent.parent_pid',
  module: 'ringfence.module.sha256',
  isolation: 'ringfence.agent.isolation',
  backend: 'ringfence.agent.backend',
  restartedFrom: 'ringfence.agent.restarted_from',
  exitReason: 'ringfence.exit.reason',
  exitCode: 'ringfence.exit.code',
  fuel: 'ringfence.usage.fuel',
  cpuTime: 'ringfence.usage.cpu_time_ms',
  memory: 'ringfence.usage.memory_bytes',
  messages: 'ringfence.usage.messages_sent',
  toolCalls: 'ringfence.usage.tool_calls',
  denials: 'ringfence.denials',
  argumentBytes: 'ringfence.tool.argument_bytes',
} as const;

/** What a metric's label is called. */
export function attributeOfLabel(label: string): string {
  return label === 'tool' ? ATTRIBUTE.toolName : `ringfence.${label}`;
}

/** Cut to what a value may have. */
export function cut(text: string, most = VALUE_CHARACTERS_MAX): string {
  return (text.length > most ? `${text.slice(0, most - 1)}…` : text).toWellFormed();
}
