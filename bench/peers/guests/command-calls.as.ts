import { exitWith } from './exit.as';
import { calls } from './reactor.as';

export function _start(): void {
  exitWith(calls());
}
