import type { Compose } from "./docker-cli";
import type { Images } from "./images";

/** What the setup of this project hands to its tests. */
export interface DockerForTests {
  compose: Compose;
  /** The owner of everything this run starts. */
  owner: string;
  images: Images;
}

declare module "vitest" {
  export interface ProvidedContext {
    /** Undefined when there is no Docker. */
    docker: DockerForTests | undefined;
  }
}
