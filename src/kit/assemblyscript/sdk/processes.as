// Agents as processes: who am I, start, stop and watch others.

import {
  Grant,
  Limits,
  ModuleReference,
  RestartType,
  SpawnRequest,
  StopMode,
  demonitor as demonitorIt,
  link as linkTo,
  monitor as monitorIt,
  parent as ownParent,
  self as ownPid,
  spawn as spawnIt,
  stop as stopIt,
  trapExit as trapExits,
  unlink as unlinkFrom,
} from 'ringfence/agent/process';
import { WitError } from 'ringfence/agent/types';
import { Tuple2 } from 'wit/tuples';
import { Option, Result, Unit } from 'wit/values';

/** An agent to be spawned. It is granted nothing, and its limits are the spawner's own, unless said. */
export class Child {
  args: Array<string>;
  environment: Array<Tuple2<string, string>> = [];
  grants: Array<Grant> = [];
  restart: RestartType = RestartType.Temporary;
  /** Whether it is linked to its spawner before it starts. */
  linked: bool = false;
  /** A limit that is not said is the spawner's own. */
  limits: Limits = new Limits(
    Option.none<u64>(),
    Option.none<u64>(),
    Option.none<u64>(),
    Option.none<u64>(),
    Option.none<u64>(),
    Option.none<u64>(),
    Option.none<u64>(),
  );

  module: ModuleReference;

  /**
   * @param id - What the agent is called.
   * @param name - Of its module, in the host's catalogue.
   */
  constructor(
    readonly id: string,
    name: string,
  ) {
    this.args = [id];
    this.module = ModuleReference.name_(name);
  }

  /** One of a module by its SHA-256, as 64 hexadecimal digits. */
  static ofDigest(id: string, digest: string): Child {
    const child = new Child(id, '');
    child.module = ModuleReference.digest(digest);
    return child;
  }

  /** Adds an argument. The first, which is there already, is the agent's id. */
  argument(text: string): Child {
    this.args.push(text);
    return this;
  }

  variable(name: string, value: string): Child {
    this.environment.push(new Tuple2<string, string>(name, value));
    return this;
  }

  /** Hands a capability on: no wider than the spawner has it. */
  grant(kind: string, scope: Array<string>): Child {
    this.grants.push(new Grant(kind, scope));
    return this;
  }

  /** Starts it and answers its pid. */
  spawn(): Result<u64, WitError> {
    return spawnIt(
      new SpawnRequest(
        this.id,
        this.module,
        this.args,
        this.environment,
        this.grants,
        this.limits,
        this.restart,
        this.linked,
      ),
    );
  }
}

export namespace processes {
  export function self(): u64 {
    return ownPid();
  }

  /** 0 where the host did spawn it. */
  export function parent(): u64 {
    return ownParent();
  }

  /** Asks an agent to stop: it has its shutdown time to end. */
  export function stop(pid: u64): Result<Unit, WitError> {
    return stopIt(pid, StopMode.Graceful);
  }

  /** Ends an agent now. */
  export function kill(pid: u64): Result<Unit, WitError> {
    return stopIt(pid, StopMode.Force);
  }

  export function link(pid: u64): Result<Unit, WitError> {
    return linkTo(pid);
  }

  export function unlink(pid: u64): Result<Unit, WitError> {
    return unlinkFrom(pid);
  }

  /** Answers the monitor's id: when the agent ends, `onDown` gets it. */
  export function monitor(pid: u64): Result<u64, WitError> {
    return monitorIt(pid);
  }

  export function demonitor(monitor: u64): Result<Unit, WitError> {
    return demonitorIt(monitor);
  }

  /** Whether ends of linked agents arrive as messages instead of ending this one. */
  export function trapExit(enabled: bool): Result<Unit, WitError> {
    return trapExits(enabled);
  }
}
