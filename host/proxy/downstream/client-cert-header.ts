import type { ClientCertHeaderConfig } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import type { TlsInfo } from "../../stores/stream-info";
import { TlsFacts } from "../tls/tls-facts";

const NAME = "x-forwarded-client-cert";

/** Makes sure of what a request says of its client's certificate: nobody may say it of himself unless the file lets him. */
export function applyClientCert(
  headers: HeaderMap,
  { mode, details }: ClientCertHeaderConfig,
  tls: TlsInfo | undefined,
): void {
  if (mode === "ALWAYS_FORWARD_ONLY") return;
  if (mode === "SANITIZE" || !(tls instanceof TlsFacts) || !tls.mtls) {
    headers.remove(NAME);
    return;
  }
  if (mode === "FORWARD_ONLY") return;
  const element = describe(tls, details);
  const before = headers.get(NAME);
  headers.set(NAME, mode === "APPEND_FORWARD" && before ? `${before},${element}` : element);
}

/** One element: `By=...;Hash=...;...`, in Envoy's order. */
function describe(tls: TlsFacts, details: ClientCertHeaderConfig["details"]): string {
  const { peerDigest, peerCertificate } = tls;
  const uris = tls.names("peer", "URI");
  return [
    ...tls.names("local", "URI").map((uri) => `By=${uri}`),
    ...(peerDigest ? [`Hash=${peerDigest}`] : []),
    ...(details.cert && peerCertificate ? [`Cert="${encodeURIComponent(peerCertificate)}"`] : []),
    ...(details.subject ? [`Subject="${tls.subjectPeer}"`] : []),
    // The key stands there even if there is none.
    ...(details.uri ? (uris.length > 0 ? uris : [""]).map((uri) => `URI=${uri}`) : []),
    ...(details.dns ? tls.names("peer", "DNS").map((name) => `DNS=${name}`) : []),
  ].join(";");
}
