/**
 * The authoring kit: projects of agents, and what builds them. A public entry of its own, as nobody who
 * only runs agents needs a compiler.
 *
 * @module
 */

export { type CheckOptions, checkComponent } from './check/check-component.ts';
export { checkProject } from './check/check-project.ts';
export {
  type CheckedGrant,
  type CheckedStart,
  type CheckProblem,
  type ComponentCheck,
  isGood,
} from './check/component-check.ts';
export type { WorldFit } from './check/fit-world.ts';
export {
  BINDING_LANGUAGES,
  type BindingLanguage,
  type Bindings,
  type BindingsOptions,
  generateBindings,
  writeBindings,
} from './generate-bindings.ts';
export { type BuiltProject, buildProject } from './project/build-project.ts';
export { BUILD_FOLDER } from './project/compiled.ts';
export {
  type CreatedProject,
  createProject,
  isLanguage,
  requireProjectPlace,
} from './project/create-project.ts';
export { LANGUAGES, type Language, type Project, readProject } from './project/manifest.ts';
