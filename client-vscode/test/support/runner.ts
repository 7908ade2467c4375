/** What `scripts/*.mjs` need of this folder, in one bundle. */
export { runHostTests } from "./hostTests";
export { findTools } from "./tools";
