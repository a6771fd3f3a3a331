import {
  constants,
  createHash,
  createHmac,
  createPublicKey,
  createSign,
  createVerify,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { instantiate } from "@assemblyscript/loader";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../support/compile";

/** The exports of test/filters/guests/jwt-parts.ts. */
interface Parts {
  digest(bits: number, message: string): string;
  mac(bits: number, secret: string, message: string): string;
  same(a: string, b: string): boolean;
  power(modulus: string, exponent: number, base: string): string;
  pss(bits: number, modulus: string, exponent: number, signature: string, message: string): boolean;
  rsaKey(modulus: string, exponent: string): string;
  curveKey(bits: number, x: string, y: string): string;
  curveSignature(sides: string): string;
  part(text: string): string;
  places(value: number): string;
  digits(value: number, precision: number): string;
  finite(text: string): boolean;
}

const BOOLS = new Set(["same", "pss", "finite"]);
const SIZES = [256, 384, 512] as const;

async function loadParts(): Promise<Parts> {
  const source = "test/filters/guests/jwt-parts.ts";
  const { exports } = await instantiate(
    await compile(source, ["--runtime", "minimal", "--exportRuntime", "-O2"]),
    // Nothing here calls the proxy.
    new Proxy({}, { get: () => new Proxy({}, { get: () => () => 0 }) }) as never,
  );
  const runtime = exports as unknown as {
    __newString(text: string): number;
    __getString(pointer: number): string;
    __pin(pointer: number): number;
    __unpin(pointer: number): void;
    __collect(): void;
  };
  const functions = exports as unknown as Record<string, (...args: unknown[]) => number>;
  let calls = 0;
  const call = (name: string, args: unknown[]) => {
    const pinned: number[] = [];
    const raw = args.map((arg) => {
      if (typeof arg !== "string") return arg;
      pinned.push(runtime.__pin(runtime.__newString(arg)));
      return pinned.at(-1);
    });
    if (++calls % 32 === 0) runtime.__collect();
    const result = functions[name]!(...raw);
    for (const pointer of pinned) runtime.__unpin(pointer);
    return BOOLS.has(name) ? result !== 0 : runtime.__getString(result);
  };
  return new Proxy({} as Parts, {
    get: (_, name) => (name === "then" ? undefined : (...args: unknown[]) => call(String(name), args)),
  });
}

let parts: Parts;
beforeAll(async () => {
  parts = await loadParts();
});

const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array).toString("latin1"));
const latin1 = (text: string | Buffer) =>
  (typeof text === "string" ? Buffer.from(text, "latin1") : text).toString("latin1");
const jwkBytes = (text: string | undefined) => Buffer.from(text!, "base64url").toString("latin1");

describe("SHA-2 and HMAC", () => {
  test("are those of OpenSSL, around every edge of a block", () => {
    for (const bits of SIZES) {
      for (let size = 0; size < 300; size++) {
        const message = randomBytes(size).toString("latin1");
        const wanted = createHash(`sha${bits}`).update(message, "latin1").digest().toString("latin1");
        expect([bits, size, parts.digest(bits, message)]).toEqual([bits, size, wanted]);
      }
    }
  });

  test("HMAC too, with keys from none to longer than a block", () => {
    fc.assert(
      fc.property(fc.constantFrom(...SIZES), bytes(200), bytes(400), (bits, secret, message) => {
        const wanted = createHmac(`sha${bits}`, Buffer.from(secret, "latin1")).update(message, "latin1");
        expect(parts.mac(bits, secret, message)).toBe(wanted.digest().toString("latin1"));
      }),
      { numRuns: 500 },
    );
  });

  test("bytes are the same only when all are", () => {
    fc.assert(
      fc.property(bytes(6), bytes(6), (a, b) => {
        expect(parts.same(a, a)).toBe(true);
        expect(parts.same(a, b)).toBe(a === b);
      }),
    );
  });
});

function numberOf(text: string): bigint {
  return BigInt(`0x0${Buffer.from(text, "latin1").toString("hex")}`);
}

function powerOf(base: bigint, exponent: number, modulus: bigint): bigint {
  let result = 1n;
  for (let left = exponent, square = base % modulus; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

test("powers of numbers are those of BigInt", () => {
  /** Odd, of up to 40 limbs, with runs of zeros and ones. */
  const piece = fc.oneof(
    fc.constantFrom("\0\0\0\0", "\xff\xff\xff\xff", "\x80\0\0\0", "\0\0\0\x01"),
    bytes(4),
  );
  const number = fc.array(piece, { minLength: 1, maxLength: 40 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(number, number, fc.constantFrom(3, 65_537), (text, base, exponent) => {
      const modulus = `${text.slice(0, -1)}${String.fromCharCode(text.charCodeAt(text.length - 1) | 1)}`;
      const n = numberOf(modulus);
      if (text === "" || n < 3n) return;
      const wanted = numberOf(base) < n ? powerOf(numberOf(base), exponent, n) : undefined;
      const found = parts.power(modulus, exponent, base);
      expect(found === "<none>" ? undefined : numberOf(found)).toBe(wanted);
    }),
    { numRuns: 3000 },
  );
});

describe("RSA-PSS", () => {
  /** Sizes around whole bytes: the encoding has one bit less than the modulus. */
  const keys = [1024, 1025, 1027, 1031, 1032, 2048, 2049].map((modulusLength, i) =>
    generateKeyPairSync("rsa", { modulusLength, publicExponent: i % 2 === 0 ? 65_537 : 3 }),
  );

  function check(key: KeyObject, bits: number, signature: Buffer, message: string): boolean {
    const { n, e } = key.export({ format: "jwk" });
    const exponent = Number(numberOf(jwkBytes(e)));
    return parts.pss(bits, jwkBytes(n), exponent, signature.toString("latin1"), message);
  }

  function pssSignature(key: KeyObject, bits: number, message: string, saltLength: number): Buffer {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return createSign(`sha${bits}`).update(message, "latin1").sign({ key, padding, saltLength });
  }

  test.each(keys.map((key, i) => [i, key] as const))(
    "good signatures are good, key %d",
    (_, { privateKey, publicKey }) => {
      for (const bits of SIZES) {
        const tooShort = publicKey.asymmetricKeyDetails!.modulusLength! < 2 * bits + 16;
        if (tooShort) continue;
        for (let i = 0; i < 8; i++) {
          const message = randomBytes(i * 11).toString("latin1");
          const signature = pssSignature(privateKey, bits, message, constants.RSA_PSS_SALTLEN_DIGEST);
          expect(check(publicKey, bits, signature, message)).toBe(true);
          expect(check(publicKey, bits, signature, `${message}x`)).toBe(false);
          expect(check(publicKey, bits === 256 ? 384 : 256, signature, message)).toBe(false);
        }
      }
    },
  );

  test("one changed bit is enough to fail, anywhere", () => {
    const { privateKey, publicKey } = keys[5]!;
    const signature = pssSignature(privateKey, 256, "text", 32);
    for (let bit = 0; bit < signature.length * 8; bit += 5) {
      const changed = Buffer.from(signature);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(check(publicKey, 256, changed, "text")).toBe(false);
    }
  });

  test("only the salt's right length will do, and no other padding", () => {
    const { privateKey, publicKey } = keys[5]!;
    for (const saltLength of [0, 1, 20, 31, 33, 222]) {
      expect(check(publicKey, 256, pssSignature(privateKey, 256, "text", saltLength), "text")).toBe(false);
    }
    expect(check(publicKey, 256, createSign("sha256").update("text").sign(privateKey), "text")).toBe(false);
    expect(check(publicKey, 256, Buffer.alloc(256), "text")).toBe(false);
    expect(check(publicKey, 256, Buffer.alloc(256, 255), "text")).toBe(false);
    expect(check(publicKey, 256, Buffer.alloc(0), "text")).toBe(false);
  });

  test("a number that is the modulus too big is no signature", () => {
    const { privateKey, publicKey } = keys[0]!;
    const n = numberOf(jwkBytes(publicKey.export({ format: "jwk" }).n));
    for (let i = 0; i < 20; i++) {
      const signature = pssSignature(privateKey, 256, `${i}`, 32);
      const hex = (BigInt(`0x${signature.toString("hex")}`) + n).toString(16);
      if (hex.length > 256) continue;
      expect(check(publicKey, 256, Buffer.from(hex.padStart(256, "0"), "hex"), `${i}`)).toBe(false);
    }
  });

  test("any bytes are judged as OpenSSL judges them", () => {
    const { publicKey } = keys[4]!;
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 120, maxLength: 135 }), (array) => {
        const wanted = createVerify("sha256")
          .update("x")
          .verify({ key: publicKey, padding, saltLength: 32 }, array);
        expect(check(publicKey, 256, Buffer.from(array), "x")).toBe(wanted);
      }),
    );
  });
});

describe("DER", () => {
  const der = (key: KeyObject) => key.export({ type: "spki", format: "der" }).toString("latin1");

  test("RSA keys are those of OpenSSL", () => {
    for (const modulusLength of [512, 1024, 1025, 2041, 2048]) {
      for (const publicExponent of [3, 65_537]) {
        const { publicKey } = generateKeyPairSync("rsa", { modulusLength, publicExponent });
        const { n, e } = publicKey.export({ format: "jwk" });
        expect(parts.rsaKey(jwkBytes(n), jwkBytes(e))).toBe(der(publicKey));
        expect(parts.rsaKey(`\0\0${jwkBytes(n)}`, `\0${jwkBytes(e)}`)).toBe(der(publicKey));
      }
    }
  }, 60_000);

  test("any modulus makes a key that OpenSSL reads as the same", () => {
    const modulus = fc.uint8Array({ minLength: 64, maxLength: 300 });
    fc.assert(
      fc.property(modulus, (array) => {
        array[0]! |= 1;
        array[array.length - 1]! |= 1;
        const n = Buffer.from(array);
        const spki = Buffer.from(parts.rsaKey(latin1(n), "\x01\0\x01"), "latin1");
        const read = createPublicKey({ key: spki, format: "der", type: "spki" }).export({ format: "jwk" });
        expect([read.n, read.e]).toEqual([n.toString("base64url"), "AQAB"]);
      }),
    );
  });

  test("keys on curves are those of OpenSSL, short coordinates too", () => {
    for (const [bits, namedCurve] of [
      [256, "P-256"],
      [384, "P-384"],
      [521, "P-521"],
    ] as const) {
      for (let i = 0; i < 100; i++) {
        const { publicKey } = generateKeyPairSync("ec", { namedCurve });
        const [x, y] = ["x", "y"].map((name) =>
          jwkBytes(publicKey.export({ format: "jwk" })[name] as string),
        );
        const [shortX, shortY] = [x, y].map((text) => text!.replace(/^\0+/, ""));
        expect(parts.curveKey(bits, shortX!, `\0${shortY!}`)).toBe(der(publicKey));
      }
    }
    expect(parts.curveKey(256, "\x01".repeat(33), "\x01")).toBe("<none>");
  });

  test("signatures of two halves verify as DER", () => {
    for (const [bits, namedCurve] of [
      [256, "P-256"],
      [384, "P-384"],
      [512, "P-521"],
    ] as const) {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
      for (let i = 0; i < 100; i++) {
        const signer = createSign(`sha${bits}`).update(`${i}`);
        const halves = signer.sign({ key: privateKey, dsaEncoding: "ieee-p1363" });
        const signature = Buffer.from(parts.curveSignature(latin1(halves)), "latin1");
        expect(createVerify(`sha${bits}`).update(`${i}`).verify(publicKey, signature)).toBe(true);
      }
    }
  });

  test("any halves are numbers in their shortest form", () => {
    fc.assert(
      fc.property(bytes(140), (halves) => {
        const found = Buffer.from(parts.curveSignature(halves), "latin1");
        const half = Math.floor(halves.length / 2);
        const integer = (text: string) => {
          const hex = numberOf(text).toString(16);
          const even = Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex");
          const value = even[0]! > 127 ? Buffer.concat([Buffer.alloc(1), even]) : even;
          return Buffer.concat([Buffer.from([2, value.length]), value]);
        };
        const content = Buffer.concat([
          integer(halves.slice(0, half)),
          integer(halves.slice(half, 2 * half)),
        ]);
        const size = content.length < 128 ? [content.length] : [0x81, content.length];
        expect(found).toEqual(Buffer.concat([Buffer.from([0x30, ...size]), content]));
      }),
    );
  });
});

test("base64url is read with spaces, with padding, and with bits to spare", () => {
  const signs = fc
    .array(fc.constantFrom(..."AQgwBx-_= \t+/!"), { maxLength: 10 })
    .map((list) => list.join(""));
  fc.assert(
    fc.property(fc.oneof(signs, bytes(12)), (text) => {
      const bare = text.replace(/[ \t\n\v\f\r]/g, "");
      const [, core, pads] = /^([A-Za-z0-9_-]*)(=*)$/.exec(bare) ?? [];
      const rest = (core?.length ?? 0) % 4;
      const whole = pads === "" || pads?.length === (4 - rest) % 4;
      const good = core !== undefined && rest !== 1 && whole;
      expect(parts.part(text)).toBe(good ? latin1(Buffer.from(core, "base64url")) : "<none>");
    }),
    { numRuns: 2000 },
  );
});

describe("numbers", () => {
  const finite = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer().map((i) => i / 128),
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }).map((i) => i / 1e7),
  );
  const exact = (value: number) => Math.abs(value).toFixed(20).length < 100;

  test("have six places, rounded as C does", () => {
    for (const [value, wanted] of [
      [0.0078125, "0.007812"],
      [0.0234375, "0.023438"],
      [-1, "-1.000000"],
      [0.9999999, "1.000000"],
      [9.9999995, "9.999999"],
      [5e-324, "0.000000"],
      [1e22, "10000000000000000000000.000000"],
    ] as const) {
      expect(parts.places(value)).toBe(wanted);
    }
    fc.assert(
      fc.property(finite, (value) => {
        // toFixed rounds halves up; only those with seven places have any.
        if (Number.isInteger(value * 128) || !exact(value) || Math.abs(value) >= 1e21) return;
        expect(Number(parts.places(value))).toBe(Number(value.toFixed(6)));
        expect(parts.places(Math.abs(value))).toBe(Math.abs(value).toFixed(6));
      }),
      { numRuns: 1000 },
    );
  });

  test("have so many digits, and read as the same with 17 of them", () => {
    fc.assert(
      fc.property(finite, (value) => {
        expect(Object.is(Number(parts.digits(value, 17)), value)).toBe(true);
        expect(Number(parts.digits(value, 15))).toBe(Number(value.toPrecision(15)) || value);
        expect(parts.digits(value, 15)).toMatch(
          /^-?(\d|[1-9]\d{0,14}|\d+\.\d*[1-9]|\d(\.\d*[1-9])?e[-+]\d\d+)$/,
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("are finite when a double can have them", () => {
    const digits = fc
      .array(fc.constantFrom(..."0179"), { minLength: 1, maxLength: 330 })
      .map((list) => list.join(""));
    const number = fc
      .tuple(
        fc.constantFrom("", "-"),
        digits,
        fc.option(digits),
        fc.option(fc.integer({ min: -330, max: 330 })),
      )
      .map(([sign, whole, part, power]) => {
        const integer = whole.replace(/^0+(?=.)/, "");
        return `${sign}${integer}${part === null ? "" : `.${part}`}${power === null ? "" : `e${power}`}`;
      });
    const edges = fc.constantFrom(
      "1.7976931348623157e308",
      "1.7976931348623158079e308",
      "1.7976931348623158080e308",
      "0.00017976931348623159e312",
      "0e999999999999",
      "1e308",
      "1e309",
      "-1E+309",
      "1e-999999999999",
    );
    fc.assert(
      fc.property(fc.oneof(number, edges), (text) => {
        expect(parts.finite(text)).toBe(Number.isFinite(Number(text)));
      }),
      { numRuns: 3000 },
    );
  });
});
