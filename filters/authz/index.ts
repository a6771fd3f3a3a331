import { registerHttp, registerTcp } from "proxy-wasm-toolkit/sdk";
import { AuthzHttp } from "./http";
import { AuthzRoot } from "./root";
import { AuthzTcp } from "./tcp";

registerHttp<AuthzHttp, AuthzRoot>("authz");
registerTcp<AuthzTcp, AuthzRoot>("authz");
