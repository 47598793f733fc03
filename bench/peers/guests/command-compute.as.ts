import { exitWith } from './exit.as';
import { compute } from './reactor.as';

export function _start(): void {
  exitWith(compute());
}
