/**
 * What an agent in JavaScript or TypeScript imports of ringfence: messages, timers, tools, other agents, the
 * log, as functions that throw. `ringfence build` bundles it into the component; Node can't run it.
 *
 * @module
 */

export { Agent, type Arrived } from './agent.ts';
export { capabilities } from './capabilities.ts';
export { AgentError, type FailureCode } from './errors.ts';
export { log } from './log.ts';
export {
  type ExitReason,
  type Filter,
  mailbox,
  type Pid,
  type Received,
  type Target,
} from './mailbox.ts';
export { type Json, json, type Payload } from './payload.ts';
export { type Child, type Grant, processes } from './processes.ts';
export { timers } from './timers.ts';
export { type Tool, tools } from './tools.ts';
