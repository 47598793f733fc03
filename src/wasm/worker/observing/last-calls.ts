/**
 * The last host calls of one agent, for its end: a ring whose places are written over. Who makes many calls
 * pays for each of them, so what is cheap to keep as it is, is described only when it is asked for.
 */

import type { HostCall, HostCallOutcome } from '../../../process/diagnosis.ts';
import { type LiveDescription, liveDescription } from '../../../recording/trace.ts';
import type { CallListener, ObservedCall } from './call-observer.ts';

/** A place of the ring. */
interface Place {
  call: number;
  function: string;
  fuel: number;
  outcome: HostCallOutcome;
  /** Described, or values that describe themselves. */
  arguments: string | readonly unknown[];
  /** Described; or a value in a box, that describes itself. Null: there was none. */
  answer: string | { value: unknown } | null;
}

/** Nobody can change it, and it holds nothing. */
const isPlain = (value: unknown): boolean => typeof value !== 'object' && typeof value !== 'string';

/** Keeps the last calls of one agent. */
export class LastCalls implements CallListener {
  readonly #most: number;
  readonly #described: LiveDescription = liveDescription('little');
  readonly #ring: Place[] = [];
  #arguments: Place['arguments'] = '';
  #next = 0;

  /** @param most Calls that are kept; at least one. */
  constructor(most: number) {
    this.#most = most;
  }

  called(args: readonly unknown[]): void {
    this.#arguments = args.every(isPlain) ? args : this.#described.arguments(args);
  }

  /** It is kept when it is over. */
  waits(): void {}

  answered(call: ObservedCall, answer: unknown): void {
    const place = this.#keep(call);
    if (!isPlain(answer)) {
      place.answer = this.#described.answer(call.function, answer);
    } else if (typeof place.answer === 'object' && place.answer !== null) {
      place.answer.value = answer;
    } else {
      place.answer = { value: answer };
    }
  }

  endedIn(call: ObservedCall): void {
    this.#keep(call).answer = null;
  }

  #keep(call: ObservedCall): Place {
    let place = this.#ring[this.#next];
    if (place === undefined) {
      place = { ...pick(call), arguments: '', answer: null };
      this.#ring.push(place);
    }
    this.#next = (this.#next + 1) % this.#most;
    place.call = call.call;
    place.function = call.function;
    place.fuel = call.fuel;
    place.outcome = call.outcome;
    place.arguments = this.#arguments;
    return place;
  }

  /** In their order. */
  all(): HostCall[] {
    const described = this.#described;
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)].map((place) => {
      const { arguments: given, answer } = place;
      return {
        ...pick(place),
        arguments: typeof given === 'string' ? given : described.arguments(given),
        answer:
          typeof answer === 'object' && answer !== null
            ? described.answer(place.function, answer.value)
            : answer,
      };
    });
  }
}

const pick = ({ call, function: name, fuel, outcome }: ObservedCall): ObservedCall => ({
  call,
  function: name,
  fuel,
  outcome,
});
