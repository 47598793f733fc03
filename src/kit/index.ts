/**
 * The authoring kit: projects of agents, and what builds them. A public entry of its own, as nobody who
 * only runs agents needs a compiler.
 *
 * @module
 */

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
export { type CreatedProject, createProject, isLanguage } from './project/create-project.ts';
export { LANGUAGES, type Language, type Project, readProject } from './project/manifest.ts';
