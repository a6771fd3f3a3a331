import fc from "fast-check";

/** A header list as bytes: one character a byte. */
export type Headers = readonly (readonly [name: string, value: string])[];

/** Any bytes, as Latin-1 text. */
export const bytes = fc.uint8Array({ maxLength: 24 }).map((array) => Buffer.from(array).toString("latin1"));

/** Requests of a client that keeps to nothing: missing, empty, repeated and binary headers. */
export const anyRequest: fc.Arbitrary<Headers> = fc.array(
  fc.tuple(
    fc.oneof(
      fc.constantFrom(":path", ":method", ":authority", ":scheme", "content-type", "x-role", "x-a", "host"),
      bytes,
    ),
    fc.oneof(
      bytes,
      fc.constantFrom("", "/", "/a?b=c&b", "GET", "a.example:80", "application/grpc", "admin", "%", "*"),
    ),
  ),
  { maxLength: 12 },
);

/** JSON that looks like a configuration but need not be one: known keys with any values, cut or not. */
export function anyConfig(keys: readonly string[], texts: readonly string[]): fc.Arbitrary<string> {
  const leaf = fc.oneof(
    fc.constantFrom(...texts),
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6, depthSize: "large" },
      leaf,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 4, noNullPrototype: true }),
      fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 2, noNullPrototype: true }),
    ),
  }));
  return fc.oneof(
    { weight: 8, arbitrary: value.map((tree) => JSON.stringify(tree)) },
    {
      weight: 1,
      arbitrary: fc.tuple(value, fc.nat(200)).map(([tree, at]) => JSON.stringify(tree).slice(0, at)),
    },
    { weight: 1, arbitrary: bytes },
  );
}
