/**
 * Writes how resources cross: those of the host are handles in objects, those of the guest are
 * objects behind handles.
 */

import type { HandleType, ResourceType } from '../../wasm/component/types.ts';
import { declareHost } from './host-text.ts';
import type { ModuleText } from './module-text.ts';
import { RESOURCES_MODULE, type TypeNames, VALUES_MODULE } from './types-text.ts';

/** Writes what one module needs of resources. */
export class ResourceCode {
  readonly #names: TypeNames;
  readonly #module: ModuleText;

  constructor(names: TypeNames, module: ModuleText) {
    this.#names = names;
    this.#module = module;
  }

  /**
   * An expression for the object of a handle that has come in. A handle that was only lent is given
   * back when the call is over; of the guest's own resources it is no handle but their number.
   */
  lift(type: HandleType, handle: string): string {
    const { resource } = type;
    const written = this.#names.expression(type, this.#module);
    if (this.#names.homeOf(resource).exported === null) {
      const made = `new ${written}(${handle})`;
      return type.kind === 'own' ? made : `${this.#use(VALUES_MODULE, 'lend')}(${made})`;
    }
    if (type.kind === 'borrow')
      return `${this.#use(RESOURCES_MODULE, 'exposed')}<${written}>(${handle})`;
    return `${this.#helper('take', resource, (name) => this.#takeFunction(name, type))}(${handle})`;
  }

  /** An expression for the handle of an object that goes out; one that is owned goes for good. */
  lower(type: HandleType, value: string): string {
    if (this.#names.homeOf(type.resource).exported === null) {
      return type.kind === 'own' ? `${value}.give()` : `${value}.handle`;
    }
    return `${this.#helper('expose', type.resource, (name) => this.#exposeFunction(name, type))}(${value})`;
  }

  /** A new handle to an object of the guest. */
  #exposeFunction(name: string, type: HandleType): string {
    const make = this.#declare(type.resource, 'new', ['i32'], ['i32']);
    const expose = this.#use(RESOURCES_MODULE, 'expose');
    const head = `function ${name}(value: ${this.#names.expression(type, this.#module)}): i32`;
    return `${head} {\n  return ${make}(${expose}(value));\n}`;
  }

  /** The object that the host gives back, and with it its handle. */
  #takeFunction(name: string, type: HandleType): string {
    const numberOf = this.#declare(type.resource, 'rep', ['i32'], ['i32']);
    const drop = this.#declare(type.resource, 'drop', ['i32'], []);
    const take = this.#use(RESOURCES_MODULE, 'take');
    const written = this.#names.expression(type, this.#module);
    return [
      `function ${name}(handle: i32): ${written} {`,
      `  const value = ${take}<${written}>(${numberOf}(handle));`,
      `  ${drop}(handle);`,
      '  return value;',
      '}',
    ].join('\n');
  }

  #declare(
    resource: ResourceType,
    verb: 'new' | 'rep' | 'drop',
    params: readonly ['i32'],
    results: readonly ['i32'] | readonly [],
  ): string {
    const { exported } = this.#names.homeOf(resource);
    if (exported === null) throw new Error(`The guest makes no resource '${resource.name}'.`);
    const name = `[resource-${verb}]${exported.resource}`;
    return declareHost(this.#module, `[export]${exported.interfaceName}`, name, {
      params,
      results,
    });
  }

  #helper(verb: string, resource: ResourceType, make: (name: string) => string): string {
    const { path, name } = this.#names.homeOf(resource);
    return this.#module.helper(`${verb} ${path}#${name}`, `_${verb}${name}`, make);
  }

  #use(path: string, symbol: string): string {
    return this.#module.useRuntime(path, symbol);
  }
}
