/**
 * The authoring kit: projects of agents, and what builds them. A public entry of its own, as nobody who
 * only runs agents needs a compiler.
 *
 * @module
 */

export {
  type Bindings,
  type BindingsOptions,
  generateBindings,
  writeBindings,
} from './generate-bindings.ts';
export { BUILD_FOLDER, type BuiltProject, buildProject } from './project/build-project.ts';
export { type CreatedProject, createProject, isLanguage } from './project/create-project.ts';
export { LANGUAGES, type Language, type Project, readProject } from './project/manifest.ts';
