/**
 * Tests of agents: an agent runs as it does everywhere, within its grants and limits, but in a time and with
 * random numbers of the test's. For vitest, and for any other runner.
 *
 * @module
 */

export type { TestAgentOptions } from './options.ts';
export {
  json,
  type Peer,
  type PeerAnswer,
  type PeerHandler,
  type PeerMail,
} from './peers.ts';
export type { SentMessage } from './recorded.ts';
export { TestAgent, testAgent } from './test-agent.ts';
export type { RecordedToolCall, ScriptedTool } from './tools.ts';
