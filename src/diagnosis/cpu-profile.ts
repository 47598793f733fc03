/**
 * A profile of fuel as a `.cpuprofile`, the format of the Chrome DevTools protocol's `Profiler.Profile`:
 * Chrome, VS Code and speedscope open it. A unit of fuel stands for a microsecond.
 */

import type { Profile } from '../process/diagnosis.ts';
import { type Frame, type SymbolizeOptions, symbolize } from './symbolize.ts';

/** The function that a node of the profile is in. */
interface CallFrame {
  readonly functionName: string;
  readonly scriptId: string;
  readonly url: string;
  /** From 0 on; -1: unknown. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** One node of the tree of calls. */
export interface CpuProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  /** Units of fuel of its own: readers share the time of the profile out by it. */
  readonly hitCount: number;
  readonly children: readonly number[];
}

/**
 * The profile: `timeDeltas` are units of fuel. Each node that has used some stands twice in `samples`, where that
 * begins, and where it ends: readers differ in whether a delta stands before its sample or behind it. The root is
 * last, as some give the last sample a length of its own.
 */
export interface CpuProfile {
  readonly nodes: readonly CpuProfileNode[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Growing extends CpuProfileNode {
  readonly children: number[];
  hitCount: number;
}

/**
 * The profile by functions. How often each was looked at is not kept, and what came after what is not either: the
 * fuel that a node has used itself is in one piece.
 *
 * @throws {RingfenceError} as {@link symbolize}
 */
export async function cpuProfile(
  component: Uint8Array,
  profile: Profile,
  options: SymbolizeOptions = {},
): Promise<CpuProfile> {
  const frames = await symbolize(
    component,
    profile.nodes.map(({ place }) => place),
    options,
  );
  const tree = new CallTree();
  const nodeOf: Growing[] = [];
  for (const [index, { parent, fuel }] of profile.nodes.entries()) {
    const caller = nodeOf[parent] ?? tree.root;
    const frame = frames[index] ?? null;
    // What was injected is part of the function that it was injected into.
    const node = frame === null ? caller : tree.callee(caller, frame);
    node.hitCount += fuel;
    nodeOf.push(node);
  }
  tree.elsewhere(profile.elsewhere);
  return tree.finish();
}

class CallTree {
  readonly #nodes: Growing[] = [];
  readonly #known = new Map<string, Growing>();
  readonly root = this.#add({ functionName: '(root)', url: '', lineNumber: -1, columnNumber: -1 });

  #add(frame: Omit<CallFrame, 'scriptId'>): Growing {
    const node: Growing = {
      id: this.#nodes.length + 1,
      callFrame: { ...frame, scriptId: '0' },
      hitCount: 0,
      children: [],
    };
    this.#nodes.push(node);
    return node;
  }

  callee(caller: Growing, { module, function: index, name, source }: Frame): Growing {
    const key = `${caller.id} ${module} ${index}`;
    let node = this.#known.get(key);
    if (node === undefined) {
      node = this.#add({
        functionName: name ?? `function ${index}`,
        url: source?.file ?? '',
        lineNumber: (source?.line ?? 0) - 1,
        columnNumber: (source?.column ?? 0) - 1,
      });
      this.#known.set(key, node);
      caller.children.push(node.id);
    }
    return node;
  }

  /** Fuel that is in no function. */
  elsewhere(fuel: number): void {
    if (fuel > 0) {
      const node = this.#add({
        functionName: '(not looked at)',
        url: '',
        lineNumber: -1,
        columnNumber: -1,
      });
      node.hitCount = fuel;
      this.root.children.push(node.id);
    }
  }

  finish(): CpuProfile {
    const used = this.#nodes.filter(({ hitCount }) => hitCount > 0);
    return {
      nodes: this.#nodes,
      startTime: 0,
      endTime: used.reduce((sum, { hitCount }) => sum + hitCount, 0),
      samples: [...used.flatMap(({ id }) => [id, id]), this.root.id],
      timeDeltas: [...used.flatMap(({ hitCount }) => [0, hitCount]), 0],
    };
  }
}
