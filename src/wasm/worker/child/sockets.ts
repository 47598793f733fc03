/** The sockets of an agent in a process of its own: the kernel has them, and performs one request after another. */

import type { SocketHost } from '../../../network/sockets/host.ts';
import { Later } from '../../../network/sockets/later.ts';
import type {
  Awaited,
  SocketAnswer,
  SocketOperationName,
  SocketRequest,
} from '../../../network/sockets/request.ts';

/** Hands a request to the kernel; false: it is larger than what is taken. */
type Ask = (id: number, request: SocketRequest) => boolean;

/** The sockets of the one agent of this process: each operation is a request to the kernel. */
export class RemoteSockets implements SocketHost {
  readonly #ask: Ask;
  readonly #underWay = new Map<number, Later<SocketAnswer>>();
  #nextId = 1;
  #closed = false;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  perform<Name extends SocketOperationName>(
    request: SocketRequest<Name>,
  ): SocketAnswer<Name> | Awaited<SocketAnswer<Name>> {
    if (this.#closed) {
      return { tag: 'err', val: 'invalid-state' };
    }
    const id = this.#nextId;
    this.#nextId += 1;
    if (!this.#ask(id, request as unknown as SocketRequest)) {
      return { tag: 'err', val: 'invalid-argument' };
    }
    const later = new Later<SocketAnswer>();
    this.#underWay.set(id, later);
    return later as Awaited<SocketAnswer<Name>>;
  }

  answered(id: number, answer: SocketAnswer): void {
    const later = this.#underWay.get(id);
    this.#underWay.delete(id);
    later?.settle(answer);
  }

  /** The kernel looks by itself. */
  look(): void {}

  /** What the kernel has it closes when the agent has ended. */
  close(): void {
    this.#closed = true;
    this.#underWay.clear();
  }
}
