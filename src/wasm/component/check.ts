/**
 * Compares what a component imports with what is offered, type by type.
 *
 * Names alone would bind a host function to a caller that passes other values than it takes. The
 * comparison walks in lock-step with our type, so that a hostile one is never followed further than
 * ours goes, and remembers what it has found equal. Resources are equal where they were bound to each
 * other: by the name under which an imported interface exports them, and once only.
 */

import { type InterfaceName, parseInterfaceName, showName } from './names.ts';
import type { Offered, OfferedInterface } from './offered.ts';
import { refused } from './refuse.ts';
import type {
  ExternType,
  FunctionType,
  InstanceType,
  ResourceType,
  TypeExtern,
  ValueType,
} from './types.ts';

/** An imported interface that is offered as the component wants it. */
export interface CheckedImport {
  /** As the component writes it: `wasi:io/streams@0.2.3`. */
  readonly name: string;
  readonly interface: string;
  readonly version: string;
  /** The functions that the component declares, used or not. */
  readonly functions: readonly string[];
}

const REBUILD = 'build it against the WIT that this version of ringfence offers';

/** A type that functions have: null where a function has no result, or a case no payload. */
type OptionalType = ValueType | null;

/** Checks the imports of one component, in their order. */
export class ImportCheck {
  readonly #offered: Offered;
  readonly #resources = new Map<ResourceType, ResourceType>();
  readonly #equal = new Map<ValueType, Set<ValueType>>();

  constructor(offered: Offered) {
    this.#offered = offered;
  }

  /** Our resource that a resource of the component's imports stands for; null: none. */
  resource(guest: ResourceType): ResourceType | null {
    return this.#resources.get(guest) ?? null;
  }

  /**
   * Checks one import.
   *
   * @throws RingfenceError RF_MODULE_REFUSED naming the import, and the function or type that differs.
   */
  interface(name: string, guest: InstanceType): CheckedImport {
    const { offered, version } = this.#find(name);
    // Resources first: the types of functions speak of them.
    for (const [key, type] of guest.exports) {
      if (type.kind === 'type' && type.type.kind === 'resource') {
        this.#bindResource(name, key, type.type, offered);
      }
    }
    const functions: string[] = [];
    for (const [key, type] of guest.exports) {
      if (type.kind === 'func') functions.push(key);
      const ours = offered.type.exports.get(key);
      if (ours === undefined) refuseMissing(name, key, kindName(type));
      const problem = this.#externProblem(type, ours);
      if (problem !== null) refuseType(name, key, problem);
    }
    return { name, interface: offered.interface, version, functions };
  }

  #find(name: string): { readonly offered: OfferedInterface; readonly version: string } {
    const parsed = parseInterfaceName(name);
    if (parsed === null) {
      refused(
        `imports ${showName(name)}, which is no interface of a package`,
        'import interfaces of wasi 0.2 or ringfence:agent only',
        { import: name },
      );
    }
    refuseAsyncVersion(name, parsed);
    const offered = this.#offered.get(parsed.interface);
    if (offered === undefined) {
      refused(`imports ${showName(name)}, which is not offered`, 'build it without', {
        import: name,
      });
    }
    if (parsed.version === null || !isCompatible(parsed.version, offered.version)) {
      const [major, minor] = offered.version.split('.');
      refused(
        `imports ${showName(name)}, of which version ${major}.${minor} is offered`,
        `build it for ${offered.interface}@${offered.version}`,
        { import: name },
      );
    }
    return { offered, version: parsed.version };
  }

  #bindResource(name: string, key: string, guest: ResourceType, offered: OfferedInterface): void {
    const ours = offered.type.exports.get(key);
    if (ours === undefined) refuseMissing(name, key, 'the resource');
    if (ours.kind !== 'type' || ours.type.kind !== 'resource') {
      refuseType(name, key, 'it is a resource here and none in what is offered');
    }
    const bound = this.#resources.get(guest);
    if (bound === undefined) this.#resources.set(guest, ours.type);
    else if (bound !== ours.type) {
      refuseType(name, key, `it is the resource ${showName(guest.name)} of another interface`);
    }
  }

  #externProblem(guest: ExternType, ours: ExternType): string | null {
    if (guest.kind === 'func' && ours.kind === 'func') return this.#functionProblem(guest, ours);
    if (guest.kind === 'type' && ours.kind === 'type') return this.#typeProblem(guest, ours);
    return `it is ${kindName(guest)} here and ${kindName(ours)} in what is offered`;
  }

  #typeProblem(guest: TypeExtern, ours: TypeExtern): string | null {
    const [mine, theirs] = [ours.type, guest.type];
    if (mine.kind === 'resource' && theirs.kind === 'resource') {
      return this.#resources.get(theirs) === mine ? null : 'it is another resource';
    }
    if (isValueType(mine) && isValueType(theirs)) return this.#valueProblem(theirs, mine);
    return `it is ${withArticle(theirs.kind)} here and ${withArticle(mine.kind)} in what is offered`;
  }

  #functionProblem(guest: FunctionType, ours: FunctionType): string | null {
    if (guest.params.length !== ours.params.length) {
      return `it has ${guest.params.length} parameters, not ${ours.params.length}`;
    }
    for (const [index, mine] of ours.params.entries()) {
      const theirs = guest.params[index]!;
      if (theirs.name !== mine.name) {
        return `its parameter ${index + 1} is called ${showName(theirs.name)}, not '${mine.name}'`;
      }
      const problem = this.#valueProblem(theirs.type, mine.type);
      if (problem !== null) return `its parameter '${mine.name}' is ${problem}`;
    }
    const problem = this.#optionalProblem(guest.result, ours.result);
    return problem === null ? null : `its result is ${problem}`;
  }

  #optionalProblem(guest: OptionalType, ours: OptionalType): string | null {
    if (guest === null || ours === null) {
      if (guest === ours) return null;
      return guest === null ? 'nothing, not something' : 'something, not nothing';
    }
    return this.#valueProblem(guest, ours);
  }

  /** What is different, to be read after "is"; null where the types are equal. */
  #valueProblem(guest: ValueType, ours: ValueType): string | null {
    if (guest === ours) return null;
    let equal = this.#equal.get(guest);
    if (equal?.has(ours)) return null;
    const problem = this.#structureProblem(guest, ours);
    if (problem !== null) return problem;
    if (equal === undefined) {
      equal = new Set();
      this.#equal.set(guest, equal);
    }
    equal.add(ours);
    return null;
  }

  #structureProblem(guest: ValueType, ours: ValueType): string | null {
    const other = `${withArticle(guest.kind)}, not ${withArticle(ours.kind)}`;
    switch (ours.kind) {
      case 'record':
        if (guest.kind !== 'record') return other;
        return this.#labelledProblem('field', guest.fields, ours.fields);
      case 'variant':
        if (guest.kind !== 'variant') return other;
        return this.#labelledProblem('case', guest.cases, ours.cases);
      case 'list':
      case 'option': {
        if (guest.kind !== ours.kind) return other;
        const problem = this.#valueProblem(guest.element, ours.element);
        return problem === null ? null : `${withArticle(ours.kind)} of ${problem}`;
      }
      case 'tuple': {
        if (guest.kind !== 'tuple') return other;
        const wrap = (type: ValueType, index: number) => ({ name: String(index), type });
        return this.#labelledProblem('element', guest.elements.map(wrap), ours.elements.map(wrap));
      }
      case 'flags':
      case 'enum':
        if (guest.kind !== ours.kind) return other;
        return namesProblem(ours.kind, guest.names, ours.names);
      case 'result': {
        if (guest.kind !== 'result') return other;
        const ok = this.#optionalProblem(guest.ok, ours.ok);
        if (ok !== null) return `a result whose ok is ${ok}`;
        const err = this.#optionalProblem(guest.err, ours.err);
        return err === null ? null : `a result whose error is ${err}`;
      }
      case 'own':
      case 'borrow':
        if (guest.kind !== ours.kind) return other;
        return this.#resources.get(guest.resource) === ours.resource
          ? null
          : `a handle of another resource than '${ours.resource.name}'`;
      default:
        return guest.kind === ours.kind ? null : other;
    }
  }

  #labelledProblem(
    what: string,
    guest: readonly { readonly name: string; readonly type: OptionalType }[],
    ours: readonly { readonly name: string; readonly type: OptionalType }[],
  ): string | null {
    if (guest.length !== ours.length) return `one of ${guest.length} ${what}s, not ${ours.length}`;
    for (const [index, mine] of ours.entries()) {
      const theirs = guest[index]!;
      if (theirs.name !== mine.name) {
        return `one whose ${what} ${index + 1} is ${showName(theirs.name)}, not '${mine.name}'`;
      }
      const problem = this.#optionalProblem(theirs.type, mine.type);
      if (problem !== null) return `one whose ${what} '${mine.name}' is ${problem}`;
    }
    return null;
  }
}

function namesProblem(
  what: string,
  guest: readonly string[],
  ours: readonly string[],
): string | null {
  const label = what === 'enum' ? 'an enum' : 'flags';
  if (guest.length !== ours.length) {
    return `${label} of ${guest.length} names, not ${ours.length}`;
  }
  const index = ours.findIndex((name, at) => name !== guest[at]);
  return index < 0 ? null : `${label} with ${showName(guest[index]!)}, not '${ours[index]}'`;
}

/** WASI from 0.3 on has the async ABI in its very types; whoever brings it should know why not. */
export function refuseAsyncVersion(name: string, parsed: InterfaceName): void {
  if (!parsed.package.startsWith('wasi:') || parsed.version?.startsWith('0.3.') !== true) return;
  refused(
    `is built for ${showName(name)}, and WASI 0.3 with its async ABI is not offered`,
    'build it for WASI 0.2',
    { import: name },
  );
}

/**
 * Versions that differ in their last number only have the same functions, but for additions. Drafts of one
 * version promise nothing, yet seldom differ: whether these do, their types say. A draft and what is none
 * are not compatible.
 */
function isCompatible(wanted: string, offered: string): boolean {
  const version =
    /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})(-(?:draft|rc)[.\d]{0,6})?$/;
  const [theirs, ours] = [version.exec(wanted), version.exec(offered)];
  if (theirs === null || ours === null || theirs[1] !== ours[1] || theirs[2] !== ours[2]) {
    return false;
  }
  const areDrafts = theirs[4] !== undefined;
  return areDrafts === (ours[4] !== undefined) && (!areDrafts || theirs[3] === ours[3]);
}

function withArticle(kind: string): string {
  if (kind === 'flags') return kind;
  return `${/^(?:[aeio]|[fs]\d)/.test(kind) ? 'an' : 'a'} ${kind}`;
}

function isValueType(type: TypeExtern['type']): type is ValueType {
  return !['resource', 'func', 'instance', 'component'].includes(type.kind);
}

function kindName(type: ExternType): string {
  switch (type.kind) {
    case 'func':
      return 'the function';
    case 'type':
      return type.type.kind === 'resource' ? 'the resource' : 'the type';
    default:
      return `the ${type.kind}`;
  }
}

function refuseMissing(name: string, key: string, what: string): never {
  refused(
    `imports ${what} ${showName(key)} of ${showName(name)}, which is not offered`,
    'build it without, or against an older version of the interface',
    { import: name, name: key },
  );
}

function refuseType(name: string, key: string, problem: string): never {
  refused(
    `imports ${showName(key)} of ${showName(name)} with another type than is offered: ${problem}`,
    REBUILD,
    { import: name, name: key },
  );
}
