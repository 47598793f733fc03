/**
 * The public API of ringfence: nothing else is imported by users.
 *
 * @module
 */

export type { Anchor } from './audit/anchors/anchor.ts';
export { fileAnchor, notesOf } from './audit/anchors/file.ts';
export { type GitAnchorOptions, gitAnchor } from './audit/anchors/git.ts';
export { type HttpAnchorOptions, httpAnchor } from './audit/anchors/http.ts';
export {
  type Consistency,
  type ConsistencyProof,
  proveConsistency,
  verifyConsistency,
} from './audit/consistency.ts';
export type { StoredEvent } from './audit/event.ts';
export { createAuditKey } from './audit/keys.ts';
export type { AuditLog, Recorded } from './audit/log.ts';
export { openAudit } from './audit/open.ts';
export type { AuditOptions, Durability } from './audit/options.ts';
export { type EventProof, proveEvent, verifyProof } from './audit/prove.ts';
export { publicAuditKey } from './audit/public-key.ts';
export { type EventFilter, type ReadOptions, readEvents } from './audit/query.ts';
export { type Envelope, type Receipt, verifyReceipt } from './audit/receipt.ts';
export { type CheckedReceipt, checkReceipt } from './audit/receipt-check.ts';
export type {
  AgentEntry,
  EntryKind,
  ModuleEntry,
  ResourceEntry,
  ServiceEntry,
  ToolEntry,
} from './audit/tree/entry.ts';
export {
  proveResource,
  type ResourceProof,
  readResources,
  verifyResource,
} from './audit/tree/prove-resource.ts';
export type { BadPlace, BadReason, Verdict, VerifyOptions } from './audit/verdict.ts';
export { exportChain, verifyChain } from './audit/verify-store.ts';
export type { AheadKind, AuditEvent, EventKind, PayloadOf } from './audit/vocabulary.ts';
export type { BackendName, Isolation } from './backend/backend.ts';
export type {
  AvailableTool,
  LogLevel,
  MessageTarget,
  Received,
  ReceiveOptions,
  RequestTarget,
  SendOptions,
  Work,
  WorkContext,
  WorkRequestOptions,
} from './backend/native/context.ts';
export type { ProcessWalls } from './backend/process/walls.ts';
export type { Elevation, ElevationAnswer, ElevationRequest } from './capability/elevation.ts';
export type { Grant, GrantId, GrantKind, GrantSpec, Scopes } from './capability/grant.ts';
export { type GrantsInput, parseGrants } from './capability/input.ts';
export { type NetworkRuleInput, whyNoNetworkRule } from './capability/network-rule.ts';
export { wordsOf } from './capability/worded.ts';
export { type CpuProfile, type CpuProfileNode, cpuProfile } from './diagnosis/cpu-profile.ts';
export type { SourcePlace } from './diagnosis/source-map.ts';
export { type Frame, type SymbolizeOptions, symbolize } from './diagnosis/symbolize.ts';
export { type ErrorCode, type ErrorFields, RingfenceError } from './errors.ts';
export type { CheckAnswer, HealthCheck } from './health/checks.ts';
export type { Health, HealthPart, HealthStatus, PartStatus } from './health/health.ts';
export type { DeadLetter, DeadLetterFilter, DeadLetterReason } from './ipc/dead-letters.ts';
export type { Payload } from './ipc/message.ts';
export type { MessageInput } from './ipc/payload.ts';
export type { PipeInfo, PipeSettings } from './ipc/pipe.ts';
export type { PipeReader } from './ipc/pipe-reader.ts';
export type { PipeWriter } from './ipc/pipe-writer.ts';
export type { Agent } from './kernel/agent.ts';
export type { RunHashes } from './kernel/audit-agents.ts';
export type { HttpService } from './kernel/http-service.ts';
export type { McpHttpOptions, McpOptions, McpTool } from './kernel/mcp-options.ts';
export type { McpServerOptions, McpToolLimits } from './kernel/mcp-server-options.ts';
export type { McpServerOffer } from './kernel/mcp-servers.ts';
export type { NativeAgent } from './kernel/native-agent.ts';
export type { PipeOptions } from './kernel/pipe-options.ts';
export type { RecordOptions } from './kernel/record-options.ts';
export type { ReliableSend } from './kernel/reliable.ts';
export { type Replay, type ReplayOptions, replayNotes } from './kernel/replay.ts';
export { resolveMounts } from './kernel/roots.ts';
export type { JobHandler, ScheduleOptions } from './kernel/schedule-handlers.ts';
export type { JobOptions, ScheduledJob } from './kernel/schedule-options.ts';
export { type McpServing, serveMcp } from './kernel/serve-mcp.ts';
export type { ServedRequest, ServeOptions } from './kernel/serve-options.ts';
export type {
  GatedImport,
  KernelOptions,
  LoadedModule,
  LoadOptions,
  ModuleSource,
  SpawnOptions,
} from './kernel/spawn-options.ts';
export type {
  AgentChild,
  ChildOptions,
  SuperviseOptions,
  SupervisorChild,
  WorkChild,
} from './kernel/supervise-options.ts';
export type { SupervisorEnd, SupervisorHandle } from './kernel/supervisors.ts';
export type { AgentRow, AgentView, ListOptions, WatchOptions } from './kernel/views.ts';
export type { PatienceOptions, VirtualClock } from './kernel/virtual-clock.ts';
export type { StateChange, StateWatch } from './kernel/watch.ts';
export type { SweepOptions, WatchdogOptions } from './kernel/watchdog.ts';
export type { WorkLimitsInput, WorkOptions } from './kernel/work-options.ts';
export { type Kernel, openKernel } from './kernel.ts';
export type { KvOptions } from './kv/options.ts';
export { KV_QUOTA_DEFAULT, type KvQuota } from './kv/quota.ts';
export type { SignalCounts } from './opentelemetry/bounded.ts';
export { openTelemetry } from './opentelemetry/lazy.ts';
export type { OpenTelemetry } from './opentelemetry/open.ts';
export type { OpenTelemetryOptions, TelemetryProviders } from './opentelemetry/options.ts';
export type { TelemetryCounts } from './opentelemetry/providers.ts';
export type { Telemetry } from './opentelemetry/telemetry.ts';
export { loadPolicy } from './policy/load-policy.ts';
export type { PolicyMcpServer, ToolNaming } from './policy/mcp.ts';
export { narrow, type Permissions, type Wanted } from './policy/narrow.ts';
export type { Decision, ModuleIdentity, Policy } from './policy/policy.ts';
export { PolicyError, type PolicyProblem } from './policy/problem.ts';
export { policyJsonSchema, type Restart } from './policy/schema.ts';
export {
  type Diagnosis,
  type Findings,
  type HostCall,
  type HostCallOutcome,
  type MeteredPlace,
  PROFILE_EVERY_MIN,
  type Profile,
  type ProfileNode,
} from './process/diagnosis.ts';
export type { Pid, ProcessState } from './process/state.ts';
export type { ProcessRow } from './process/table.ts';
export { type Recording, type RecordingHeader, readRecording } from './recording/file.ts';
export type { ReplayDifference } from './recording/kept.ts';
export type { TracedCall } from './recording/trace.ts';
export type { ResourceKind } from './resource/limit-marks.ts';
export { DEFAULT_LIMITS, type Limits, type LimitsInput, parseLimits } from './resource/limits.ts';
export type { Quotas, QuotasInput } from './resource/quotas.ts';
export { parseCount, parseDuration, parseSize } from './resource/units.ts';
export type { Usage } from './resource/usage.ts';
export type { JobRun } from './schedule/job.ts';
export { MISSED_POLICIES, type MissedPolicy } from './schedule/missed.ts';
export type { When } from './schedule/timing.ts';
export type { AgentScore } from './scores/book.ts';
export {
  type Dimension,
  rankScores,
  type Score,
  type Scored,
  similarScores,
} from './scores/score.ts';
export type { AutoShutdown, EndReason } from './supervisor/decisions.ts';
export type { ProcessFacts } from './supervisor/facts.ts';
export type { InputGiven } from './supervisor/input.ts';
export type { LogLine, ResourceWarning } from './supervisor/options.ts';
export type { OutputWriter } from './supervisor/output.ts';
export type { ProgramMessage } from './supervisor/program-mail.ts';
export type { ReferenceStrategy } from './supervisor/reference.ts';
export {
  type Denial,
  type Exit,
  type ExitReason,
  type Report,
  type ReportedLimits,
  refusalReport,
} from './supervisor/report.ts';
export type { RestartType } from './supervisor/restart.ts';
export type { ChildPhase, SupervisedChild } from './supervisor/specification.ts';
export type { Strategy } from './supervisor/strategy.ts';
export { TIMER_MS_MAX } from './timer.ts';
export type { CatalogueName, CatalogueOptions } from './tools/catalogue/catalogue.ts';
export { CATALOGUE_NAMES } from './tools/catalogue/catalogue.ts';
export type { ExecInput } from './tools/catalogue/exec-command.ts';
export { ToolError, type ToolErrorKind } from './tools/outcome.ts';
export type { ToolCall, ToolDescription, ToolHandler } from './tools/tool.ts';
export {
  ALL_FEATURE_NAMES,
  type FeatureName,
  type Features,
  type FeaturesInput,
  featuresNamed,
  namesOf as namesOfFeatures,
} from './wasm/metering/features.ts';
