import { getPropertyString } from "../hostcalls/properties";

/** How the proxy's file names the current plugin; there in every callback, roots included. */
@unmanaged
export class Plugin {
  /** `name` of the plugin's configuration. */
  get name(): string | null {
    return getPropertyString("plugin_name");
  }

  /** `root_id` of the plugin's configuration; which filter of the module it is. */
  get rootId(): string | null {
    return getPropertyString("plugin_root_id");
  }

  /** `vm_id`: who shares data and queues with it. */
  get vmId(): string | null {
    return getPropertyString("plugin_vm_id");
  }
}

/** The current plugin. */
export const plugin: Plugin = changetype<Plugin>(0);
