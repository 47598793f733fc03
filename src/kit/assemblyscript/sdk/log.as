// Lines for the operator.

import { Level, log as write } from 'ringfence/agent/log';

export namespace log {
  export function trace(message: string): void {
    write(Level.Trace, message);
  }
  export function debug(message: string): void {
    write(Level.Debug, message);
  }
  export function info(message: string): void {
    write(Level.Info, message);
  }
  export function warn(message: string): void {
    write(Level.Warn, message);
  }
  export function error(message: string): void {
    write(Level.Error, message);
  }
}
