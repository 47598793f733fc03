import { exitWith } from './exit.as';
import { nothing } from './reactor.as';

export function _start(): void {
  exitWith(nothing());
}
