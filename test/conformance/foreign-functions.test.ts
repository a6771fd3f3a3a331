import { createVerify, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { deflateRawSync, deflateSync, gzipSync, inflateSync } from "node:zlib";
import { expect } from "vitest";
import { conformance, type Setup } from "../support/conformance";
import { percent, token, unpercent } from "../support/guest-bytes";
import { field } from "../support/wire";

type Bytes = Buffer | string;

/** Calls functions in the headers callback: each line is a name, the function and its argument. */
function calling(calls: Readonly<Record<string, readonly [name: string, argument: Bytes]>>): Setup {
  const lines = Object.entries(calls).map(
    ([as, [name, argument]]) => ` ${as} = foreign ${token(name)} ${token(argument)}`,
  );
  return { script: `on request_headers\n${lines.join("\n")}` };
}

conformance("Foreign functions", ({ behaviour }) => {
  behaviour(
    "an unknown function is NotFound, whatever its name",
    calling({ unknown: ["no_such_function", "x"], empty: ["", "x"], proto: ["__proto__", "x"] }),
    async (b) => {
      await b.exchange();
      for (const name of ["unknown", "empty", "proto"]) expect(await b.logged(name)).toBe("1");
    },
  );

  behaviour(
    "functions may be called from a root context too",
    {
      script:
        "on configure\n c = foreign compress a\n u = foreign uncompress $c\n r = foreign clear_route_cache ''",
    },
    async (b) => {
      expect(await b.logged("u")).toBe("0 a");
      expect(await b.logged("r")).toBe("0");
    },
  );

  behaviour(
    "compress makes a zlib stream, uncompress reads it back",
    calling({
      empty: ["compress", ""],
      text: ["compress", "hello hello hello"],
      back: ["uncompress", deflateSync("hello")],
    }),
    async (b) => {
      await b.exchange();
      const plain = async (name: string) =>
        inflateSync(unpercent((await b.logged(name)).slice(2))).toString();
      expect(await plain("empty")).toBe("");
      expect(await plain("text")).toBe("hello hello hello");
      expect(await b.logged("back")).toBe("0 hello");
    },
  );

  const stream = deflateSync("hello");
  const UNCOMPRESS: readonly [what: string, argument: Bytes, result: string][] = [
    ["nothing", "", "3"],
    ["junk", "junk", "3"],
    ["a stream cut short", stream.subarray(0, -1), "3"],
    ["gzip", gzipSync("hello"), "3"],
    ["a raw deflate stream", deflateRawSync("hello"), "3"],
    ["a stream of nothing", deflateSync(""), "0"],
    ["a stream with bytes behind it", Buffer.concat([stream, Buffer.from("x")]), "0 hello"],
    ["two streams", Buffer.concat([stream, stream]), "0 hello"],
    ["a small stream of much", deflateSync("x".repeat(1000)), `0 ${"x".repeat(1000)}`],
  ];
  for (const [what, argument, result] of UNCOMPRESS)
    behaviour(`uncompress of ${what}`, calling({ u: ["uncompress", argument] }), async (b) => {
      await b.exchange();
      expect(await b.logged("u")).toBe(result);
    });
});

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const short = generateKeyPairSync("rsa", { modulusLength: 512 });
const curve = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve });
const p256 = curve("P-256");
const ed25519 = generateKeyPairSync("ed25519");

const der = (key: KeyObject, type: "spki" | "pkcs1" | "pkcs8" | "sec1") =>
  key.export({ type: type as "pkcs1", format: "der" });
const pem = (key: KeyObject, type: "spki" | "pkcs1" | "pkcs8" | "sec1") =>
  key.export({ type: type as "pkcs1", format: "pem" }) as string;
const encrypted = rsa.privateKey.export({
  type: "pkcs8",
  format: "pem",
  cipher: "aes-256-cbc",
  passphrase: "x",
});

interface Signed {
  hash?: string;
  der?: Buffer;
  pem?: string;
  signature?: Buffer;
  text?: string;
}

const TEXT = "hello";
const fields = (...parts: [number: number, content: Bytes | undefined][]) =>
  Buffer.concat(
    parts.filter(([, content]) => content !== undefined).map(([n, content]) => field(n, content!)),
  );
const verifyArguments = (s: Signed) =>
  fields([1, s.hash], [2, s.der], [3, s.signature], [4, s.text ?? TEXT], [5, s.pem]);
const signArguments = (s: Signed) => fields([1, s.hash], [2, s.der], [3, s.text ?? TEXT], [4, s.pem]);

const signed = (key: KeyObject, hash: string | null = "sha256") => sign(hash, Buffer.from(TEXT), key);
const VALID: Signed = { hash: "sha256", der: der(rsa.publicKey, "spki"), signature: signed(rsa.privateKey) };
const { der: _, ...KEYLESS } = VALID;
const SPKI = pem(rsa.publicKey, "spki");

const OK = `0 ${percent(Buffer.from([8, 1]))}`;
const verifyFailure = (words: string) => `0 ${percent(field(2, words))}`;
const NO_DIGEST = verifyFailure("Failed to initialize digest verify.");
const MISMATCH = verifyFailure("Failed to verify digest. Error code: 0");

const VERIFY: readonly [what: string, Signed | Bytes, result: string][] = [
  ["a right signature, DER key", VALID, OK],
  ["a right signature, PEM key", { ...KEYLESS, pem: SPKI }, OK],
  ["a PEM key with text before it", { ...KEYLESS, pem: `text\n${SPKI}` }, OK],
  ["a PEM key with CRLF lines", { ...KEYLESS, pem: SPKI.replaceAll("\n", "\r\n") }, OK],
  ["a DER key with bytes behind it", { ...VALID, der: Buffer.concat([VALID.der!, Buffer.from([0])]) }, OK],
  ["another text", { ...VALID, text: "other" }, MISMATCH],
  ["no signature", { ...VALID, signature: Buffer.alloc(0) }, MISMATCH],
  ["an ECDSA signature that cannot be read", { ...VALID, der: der(p256.publicKey, "spki") }, MISMATCH],
  [
    "a short RSA key",
    { ...VALID, der: der(short.publicKey, "spki"), signature: signed(short.privateKey) },
    OK,
  ],
  [
    "an Ed25519 key",
    { ...VALID, der: der(ed25519.publicKey, "spki"), signature: signed(ed25519.privateKey, null) },
    NO_DIGEST,
  ],
  ["a PKCS #1 key in DER", { ...VALID, der: der(rsa.publicKey, "pkcs1") }, NO_DIGEST],
  ["a PKCS #1 key in PEM", { ...KEYLESS, pem: pem(rsa.publicKey, "pkcs1") }, NO_DIGEST],
  ["a private key in PEM", { ...KEYLESS, pem: pem(rsa.privateKey, "pkcs8") }, NO_DIGEST],
  ["junk as DER", { ...VALID, der: Buffer.from("junk") }, NO_DIGEST],
  ["junk as PEM", { ...KEYLESS, pem: "junk" }, NO_DIGEST],
  ["a hash in capitals", { ...VALID, hash: "SHA256" }, OK],
  ["an unknown hash", { ...VALID, hash: "md5" }, verifyFailure("md5 is not supported.")],
  [
    "an unknown hash and a bad key",
    { ...VALID, hash: "SHA-256", der: Buffer.from("x") },
    verifyFailure("SHA-256 is not supported."),
  ],
  ["no hash", { ...VALID, hash: "" }, verifyFailure(" is not supported.")],
  ["both forms of key", { ...VALID, pem: SPKI }, "2"],
  ["no key", KEYLESS, "2"],
  ["an argument that is no message", "junk", "2"],
  [
    "a hash name that is no UTF-8",
    Buffer.concat([field(1, Buffer.from([0xff])), verifyArguments(KEYLESS)]),
    "2",
  ],
  ["a field nobody knows", Buffer.concat([verifyArguments(VALID), field(9, "x")]), OK],
];

conformance("Foreign function verify_signature", ({ behaviour }) => {
  for (const [what, argument, result] of VERIFY)
    behaviour(
      what,
      calling({
        v: [
          "verify_signature",
          Buffer.isBuffer(argument) || typeof argument === "string" ? argument : verifyArguments(argument),
        ],
      }),
      async (b) => {
        await b.exchange();
        expect(await b.logged("v")).toBe(result);
      },
    );

  for (const hash of ["sha1", "sha224", "sha256", "sha384", "sha512"])
    behaviour(
      `RSA with ${hash}`,
      calling({
        v: ["verify_signature", verifyArguments({ ...VALID, hash, signature: signed(rsa.privateKey, hash) })],
      }),
      async (b) => {
        await b.exchange();
        expect(await b.logged("v")).toBe(OK);
      },
    );

  for (const [name, result] of [
    ["P-224", OK],
    ["P-256", OK],
    ["P-384", OK],
    ["P-521", OK],
    ["secp256k1", NO_DIGEST],
  ] as const) {
    const { publicKey, privateKey } = curve(name);
    behaviour(
      `ECDSA with ${name}`,
      calling({
        v: [
          "verify_signature",
          verifyArguments({ hash: "sha256", der: der(publicKey, "spki"), signature: signed(privateKey) }),
        ],
      }),
      async (b) => {
        await b.exchange();
        expect(await b.logged("v")).toBe(result);
      },
    );
  }
});

const signFailure = (words: string) => `0 ${percent(field(3, words))}`;
const NO_KEY = signFailure("Invalid key type: private key required for signing operation.");
const BAD_KEY = signFailure("Invalid private key: key data is corrupted or malformed.");

const SIGN_FAILURES: readonly [what: string, Signed | Bytes, result: string][] = [
  ["a PKCS #1 key in DER", { hash: "sha256", der: der(rsa.privateKey, "pkcs1") }, NO_KEY],
  ["a SEC 1 key in DER", { hash: "sha256", der: der(p256.privateKey, "sec1") }, NO_KEY],
  ["an encrypted key", { hash: "sha256", pem: encrypted as string }, NO_KEY],
  ["a public key", { hash: "sha256", pem: SPKI }, NO_KEY],
  ["a curve nobody knows", { hash: "sha256", der: der(curve("secp256k1").privateKey, "pkcs8") }, NO_KEY],
  ["an Ed25519 key", { hash: "sha256", der: der(ed25519.privateKey, "pkcs8") }, BAD_KEY],
  [
    "a key too short for the digest",
    { hash: "sha512", der: der(short.privateKey, "pkcs8") },
    signFailure("Failed to create signature."),
  ],
  [
    "an unknown hash",
    { hash: "md5", der: der(rsa.privateKey, "pkcs8") },
    signFailure("md5 is not supported."),
  ],
  ["no hash and a bad key", { der: Buffer.from("x") }, signFailure(" is not supported.")],
  [
    "both forms of key",
    { hash: "sha256", der: der(rsa.privateKey, "pkcs8"), pem: pem(rsa.privateKey, "pkcs8") },
    "2",
  ],
  ["no key", { hash: "sha256" }, "2"],
  ["an argument that is no message", "junk", "2"],
];

conformance("Foreign function sign", ({ behaviour }) => {
  for (const [what, key, pair] of [
    ["a PKCS #8 key in DER", { der: der(rsa.privateKey, "pkcs8") }, rsa],
    ["a PKCS #8 key in PEM", { pem: pem(rsa.privateKey, "pkcs8") }, rsa],
    ["a PKCS #1 key in PEM", { pem: pem(rsa.privateKey, "pkcs1") }, rsa],
    ["an EC key in DER", { der: der(p256.privateKey, "pkcs8") }, p256],
    ["a SEC 1 key in PEM", { pem: pem(p256.privateKey, "sec1") }, p256],
  ] as const)
    for (const hash of ["sha256", "SHA512"])
      behaviour(`${what}, ${hash}`, calling({ s: ["sign", signArguments({ hash, ...key })] }), async (b) => {
        await b.exchange();
        const result = unpercent((await b.logged("s")).slice(2));
        // 1: true, then 2: the signature, whose length takes two bytes from 128 on.
        expect([...result.subarray(0, 3)]).toEqual([8, 1, 0x12]);
        const signature = result.subarray(result[3]! > 127 ? 5 : 4);
        expect(createVerify(hash).update(TEXT).verify(pair.publicKey, signature)).toBe(true);
      });

  for (const [what, argument, result] of SIGN_FAILURES)
    behaviour(
      what,
      calling({
        s: [
          "sign",
          Buffer.isBuffer(argument) || typeof argument === "string" ? argument : signArguments(argument),
        ],
      }),
      async (b) => {
        await b.exchange();
        expect(await b.logged("s")).toBe(result);
      },
    );
});
