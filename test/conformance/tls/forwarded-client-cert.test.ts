import { X509Certificate } from "node:crypto";
import { expect } from "vitest";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import { H2Client } from "../../support/h2-client";
import { CLIENT_ID, downstreamTls, mutualTls, testPki, tlsConnect, tlsExchange } from "../../support/tls";

const pki = await testPki();
const hashOf = ({ certificate }: { certificate: string }) =>
  new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase();
const NAME = "x-forwarded-client-cert";
const FORGED = [NAME, "By=spiffe://me;Hash=00;URI=spiffe://somebody"] as const;
const BY = "By=spiffe://cluster.local/ns/shop/sa/server";
const SUBJECT = 'Subject="CN=cart,OU=S\\C3\\A4les,O=Sue\\, Grabbit and Runn,C=US"';
const ALL = { subject: true, cert: true, dns: true, uri: true };

function setup(mode: string | undefined, details: Record<string, boolean> = {}, tls = mutualTls(pki)): Setup {
  return {
    script: `on request_headers\n seen = get 0 ${NAME}`,
    manager: {
      ...(mode && { forward_client_cert_details: mode }),
      set_current_client_cert_details: details,
    },
    filterChain: tls,
  };
}

/** What the upstream is told of the client, twice: of one that says nothing, and of one that claims to be somebody. */
async function told(b: Behaviour, identity = pki.client): Promise<(string | undefined)[]> {
  for (const headers of [[], [FORGED]])
    expect(
      (await tlsExchange(b.port, { identity }, { headers: headers.map(([n, v]) => [n!, v!]) })).status,
    ).toBe(200);
  return b.upstream.requests.map((request) => request.header(NAME));
}

conformance("TLS: x-forwarded-client-cert", ({ behaviour }) => {
  behaviour("a client's own word for who it is ends here", setup(undefined), async (b) => {
    expect(await told(b)).toEqual([undefined, undefined]);
    expect(await b.allLogged("seen")).toEqual(["1", "1"]);
  });

  behaviour(
    "SANITIZE_SET tells of the certificate, and of nothing else",
    setup("SANITIZE_SET"),
    async (b) => {
      const element = `${BY};Hash=${hashOf(pki.client)}`;
      expect(await told(b)).toEqual([element, element]);
      expect(await b.allLogged("seen")).toEqual([`0 ${element}`, `0 ${element}`]);
    },
  );

  behaviour("all there is to tell, in Envoy's order", setup("SANITIZE_SET", ALL), async (b) => {
    const cert = encodeURIComponent(new X509Certificate(pki.client.certificate).toString());
    const [element] = await told(b);
    expect(element).toBe(
      `${BY};Hash=${hashOf(pki.client)};Cert="${cert}";${SUBJECT};URI=${CLIENT_ID};DNS=cart.example;DNS=second.example`,
    );
  });

  behaviour(
    "a certificate without names of a kind",
    setup("SANITIZE_SET", { subject: true, dns: true, uri: true }),
    async (b) => {
      const bare = await pki.ca.issue({ dns: [], uris: [] });
      const [element] = await told(b, bare);
      expect(element).toBe(`${BY};Hash=${hashOf(bare)};Subject="";URI=`);
    },
  );

  behaviour("two names of a kind", setup("SANITIZE_SET", { uri: true }), async (b) => {
    const [element] = await told(b, pki.twoNames);
    expect(element).toBe(
      `${BY};Hash=${hashOf(pki.twoNames)};URI=spiffe://cluster.local/first;URI=spiffe://cluster.local/second`,
    );
  });

  behaviour("APPEND_FORWARD puts it behind what came", setup("APPEND_FORWARD", { uri: true }), async (b) => {
    const element = `${BY};Hash=${hashOf(pki.client)};URI=${CLIENT_ID}`;
    expect(await told(b)).toEqual([element, `${FORGED[1]},${element}`]);
  });

  behaviour("FORWARD_ONLY believes who has a certificate", setup("FORWARD_ONLY", ALL), async (b) => {
    expect(await told(b)).toEqual([undefined, FORGED[1]]);
  });

  for (const mode of ["FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET"]) {
    behaviour(
      `${mode} without a certificate is as good as none`,
      setup(mode, ALL, downstreamTls(pki.server)),
      async (b) => {
        expect(await told(b)).toEqual([undefined, undefined]);
      },
    );
  }

  behaviour(
    "ALWAYS_FORWARD_ONLY believes everybody",
    setup("ALWAYS_FORWARD_ONLY", ALL, downstreamTls(pki.server)),
    async (b) => {
      expect(await told(b)).toEqual([undefined, FORGED[1]]);
    },
  );

  behaviour("over HTTP/2 it is the same", setup("SANITIZE_SET", { uri: true }), async (b) => {
    const client = await H2Client.over(await tlsConnect(b.port, { identity: pki.client }));
    expect((await client.request({ headers: [[...FORGED]] })).status).toBe(200);
    client.close();
    expect(b.upstream.requests[0]!.all(NAME)).toEqual([`${BY};Hash=${hashOf(pki.client)};URI=${CLIENT_ID}`]);
  });
});
