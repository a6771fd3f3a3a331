import { describe, expect, test } from "vitest";
import { convertEdge } from "../../../host/config/convert/edge";
import { canonicalPath } from "../../../host/proxy/downstream/edge/canonical-path";
import { normalizePath } from "../../../host/proxy/downstream/edge/path";
import { HeaderMap } from "../../../host/stores/header-map";
import { oddPaths } from "../../support/odd-paths";

/** The same paths are sent to Envoy by test/conformance/proxy/paths.test.ts; here are more of them, and what must hold of all. */
const SEED = 7_401_926;
const PATHS = oddPaths(20_000, SEED);

/** The one form that changes when it is read again, Envoy's as ours: a dot segment that came escaped, with parameters. */
const NOT_LASTING = /\/\.\.?;/;

describe(`Canonical paths (seed ${SEED})`, () => {
  test("what is canonical stays as it is", () => {
    for (const path of PATHS) {
      const once = canonicalPath(path)!;
      if (NOT_LASTING.test(once)) continue;
      expect(canonicalPath(once), path).toBe(once);
    }
  });

  test("the short cut for plain paths takes nothing that would change", () => {
    // The escape in front sends the rest the long way.
    for (const path of PATHS) expect(canonicalPath(`/%41${path}`), path).toBe(behind("/A", path));
    function behind(prefix: string, path: string) {
      const whole = canonicalPath(path)!;
      const long = canonicalPath(`/%41${path}`)!;
      // Dots may climb above the prefix; nothing else may differ.
      return long.startsWith(`${prefix}/`) && !/(^|[\\/])(\.|%2[eE]){1,2}(;|[\\/]|$)/.test(path)
        ? prefix + whole
        : long;
    }
  });

  test("has no dot segment, backslash or escaped letter", () => {
    for (const path of PATHS) {
      const canonical = canonicalPath(path)!;
      expect(canonical).toMatch(/^\//);
      expect(canonical, path).not.toMatch(/\/\.\.?(\/|$)|\\|%(4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9ae]|3[0-9])/i);
    }
  });

  test("NUL has none", () => {
    expect(canonicalPath("/a%00")).toBeUndefined();
    expect(canonicalPath("/a%00/../b")).toBeUndefined();
    expect(canonicalPath("/\0")).toBeUndefined();
  });
});

test(`all rules together are idempotent, and let the query be (seed ${SEED})`, () => {
  const { path: rules } = convertEdge(
    { normalize_path: true, merge_slashes: true, path_with_escaped_slashes_action: "UNESCAPE_AND_FORWARD" },
    {},
  );
  for (const path of PATHS.slice(0, 5000)) {
    const headers = HeaderMap.of("request", [[":path", `${path}?%2f/..//#`.replace("#", "")]]);
    expect(normalizePath(headers, rules)).toBeUndefined();
    const once = headers.get(":path")!;
    expect(once.endsWith("?%2f/..//")).toBe(true);
    if (NOT_LASTING.test(once)) continue;
    expect(normalizePath(headers, rules)).toBeUndefined();
    expect(headers.get(":path"), path).toBe(once);
  }
});
