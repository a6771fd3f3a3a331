export { type BuildModuleOptions, type BuiltModule, buildModule } from "./build-module";
