import { Status } from "../../../sdk/abi/status";
import { ENVOY_OBJECTS, OPAQUE } from "../../stores/envoy-objects";
import { type ForeignFunction, NOTHING } from "./call";
import { DeclarePropertyArguments, parse, SetEnvoyFilterStateArguments } from "./messages";

interface Declaration {
  name: string;
  readonly: boolean;
  type: number;
  schema: Uint8Array;
  span: number;
}

interface Setting {
  path: string;
  value: string;
  span: number;
}

/** What filters leave for each other. */
export const filterState: Readonly<Record<"declare_property" | "set_envoy_filter_state", ForeignFunction>> = {
  /** Declares for the callback's own context. Only what a root declares has an effect, on the streams of that root. */
  declare_property({ caller, argument }) {
    const args = parse<Declaration>(DeclarePropertyArguments, argument);
    if (!args) return Status.BadArgument;
    const { name, readonly, type, span } = args;
    const schema = Buffer.from(args.schema).toString("latin1");
    return caller.declareProperty(name, { readonly, type, schema, span }) ? NOTHING : Status.BadArgument;
  },

  set_envoy_filter_state({ context, argument }) {
    const args = parse<Setting>(SetEnvoyFilterStateArguments, argument);
    if (!args) return Status.BadArgument;
    const { filterState: state } = context;
    if (!state || !Object.hasOwn(ENVOY_OBJECTS, args.path)) return Status.NotFound;
    const made = ENVOY_OBJECTS[args.path]!(Buffer.from(args.value).toString("latin1"));
    if (!made) return Status.BadArgument;
    state.setNative(args.path, made === OPAQUE ? undefined : made, args.span);
    return NOTHING;
  },
};
