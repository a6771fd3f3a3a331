import { expect, test } from "vitest";
import { WASI, WASI_MODULES, type WasiName } from "../../host/abi/wasi";
import { callModule, DATA, readResults } from "../support/call-module";
import { conformance } from "../support/conformance";
import { oneFilter } from "../support/one-filter";
import { exchange } from "../support/raw-client";
import { tableModule, wasiImports } from "../support/table-module";

const UNTOUCHED = "aa".repeat(8);
const ZERO32 = `00000000${"aa".repeat(4)}`;
const ZERO64 = "00".repeat(8);
/** Outside any memory of these modules. */
const OUTSIDE = 0x7fff0000;

type Case = [
  name: WasiName,
  args: readonly (number | bigint | "out")[],
  errno: number,
  /** The first eight bytes at `out` afterwards, in hex; untouched by default. */
  out?: string,
];

/** Two vectors, "ab" and "c\n", and what they point to. */
const TEXT = DATA + 16;
const VECTORS = [TEXT, 2, TEXT + 2, 2].flatMap((n) => [n & 255, n >> 8, 0, 0]);
const BYTES = [...VECTORS, ...Buffer.from("abc\n")];

const CASES: readonly Case[] = [
  ["fd_write", [1, DATA, 2, "out"], 0, `04000000${"aa".repeat(4)}`],
  ["fd_write", [2, DATA, 1, "out"], 0, `02000000${"aa".repeat(4)}`],
  ["fd_write", [1, DATA, 0, "out"], 0, ZERO32],
  ["fd_write", [0, DATA, 1, "out"], 8],
  ["fd_write", [3, DATA, 1, "out"], 8],
  ["fd_write", [1, OUTSIDE, 1, "out"], 21],
  ["fd_write", [1, DATA, 1, OUTSIDE], 21],
  ["fd_pwrite", [1, DATA, 2, 0n, "out"], 0, `04000000${"aa".repeat(4)}`],
  ["fd_pwrite", [3, DATA, 2, 0n, "out"], 8],
  ["clock_time_get", [2, 0n, "out"], 58],
  ["clock_time_get", [0, 0n, OUTSIDE], 21],
  ["clock_res_get", [0, "out"], 0, "0100000000000000"],
  ["clock_res_get", [1, "out"], 0, "0100000000000000"],
  ["clock_res_get", [2, "out"], 58],
  ["clock_res_get", [0, OUTSIDE], 21],
  ["random_get", [DATA, 0], 0],
  ["random_get", [OUTSIDE, 1], 21],
  ["random_get", [DATA, 65537], 28],
  ["environ_sizes_get", ["out", DATA + 32], 0, ZERO32],
  ["environ_sizes_get", [DATA + 32, "out"], 0, ZERO32],
  ["environ_sizes_get", [OUTSIDE, "out"], 21],
  ["environ_get", ["out", "out"], 0],
  ["args_sizes_get", ["out", DATA + 32], 0, ZERO32],
  ["args_sizes_get", [DATA + 32, "out"], 0, ZERO32],
  ["args_sizes_get", ["out", OUTSIDE], 21, ZERO32],
  ["args_get", ["out", "out"], 0],
  ["proc_exit", [1], 0],
  ["sched_yield", [], 0],
  ["poll_oneoff", [DATA, DATA, 1, "out"], 0, ZERO32],
  ["poll_oneoff", [OUTSIDE, OUTSIDE, 1, "out"], 0, ZERO32],
  ["poll_oneoff", [DATA, DATA, 1, OUTSIDE], 21],
  ["fd_close", [1], 0],
  ["fd_close", [99], 0],
  ["fd_seek", [1, 0n, 0, "out"], 0],
  ["fd_seek", [99, 0n, 0, "out"], 0],
  ["fd_fdstat_get", [1, "out"], 0, ZERO64],
  ["fd_fdstat_get", [2, "out"], 0, ZERO64],
  ["fd_fdstat_get", [0, "out"], 8],
  ["fd_fdstat_get", [1, OUTSIDE], 0],
  ["fd_fdstat_set_flags", [1, 0], 52],
  ["fd_fdstat_set_flags", [9, 0], 52],
  ["fd_read", [0, DATA, 1, "out"], 52],
  ["fd_pread", [0, DATA, 1, 0n, "out"], 52],
  ["fd_prestat_dir_name", [3, "out", 8], 52],
  ["fd_prestat_get", [3, "out"], 8],
  ["fd_filestat_get", [1, "out"], 8],
  ["fd_advise", [1, 0n, 0n, 0], 0],
  ["fd_advise", [9, 0n, 0n, 0], 0],
  ["fd_tell", [1, "out"], 0, ZERO64],
  ["fd_tell", [9, "out"], 8],
  ["fd_tell", [1, OUTSIDE], 21],
  ["fd_readdir", [3, DATA, 8, 0n, "out"], 20, ZERO32],
  ["fd_readdir", [3, DATA, 8, 0n, OUTSIDE], 21],
  ["fd_renumber", [1, 2], 58],
  ["fd_renumber", [1, 3], 8],
  ["fd_renumber", [3, 1], 8],
  ["path_open", [3, 0, DATA, 2, 0, 0n, 0n, 0, "out"], 44],
  ...(
    [
      "fd_fdstat_set_rights",
      "fd_allocate",
      "fd_datasync",
      "fd_sync",
      "fd_filestat_set_size",
      "fd_filestat_set_times",
    ] as const
  ).flatMap((name): Case[] => [
    [name, [1], 0],
    [name, [2], 0],
    [name, [3], 8],
  ]),
  ...(
    [
      "path_filestat_get",
      "path_create_directory",
      "path_filestat_set_times",
      "path_link",
      "path_readlink",
      "path_remove_directory",
      "path_rename",
      "path_symlink",
      "path_unlink_file",
      "sock_accept",
      "sock_recv",
      "sock_send",
      "sock_shutdown",
    ] as const
  ).map((name): Case => [name, [1], 58]),
];

/** Numbers that missing arguments and those of the type i64 stand for. */
function complete(name: WasiName, args: Case[1]): Case[1] {
  return [...WASI[name]].map((letter, i) => args[i] ?? (letter === "l" ? 0n : 0));
}

conformance("WASI", ({ engine }) => {
  for (const module of WASI_MODULES) {
    const functions = new Map(wasiImports(module).map((f) => [f.name, f]));

    test(`${module}: every function answers as Envoy's does`, async () => {
      expect(new Set(CASES.map(([name]) => name))).toEqual(new Set(Object.keys(WASI)));
      const calls = CASES.map(([name, args]) => ({
        function: functions.get(name)!,
        args: complete(name, args),
      }));
      const proxy = await engine.start(oneFilter({ wasm: callModule(calls, BYTES) }));
      const { status, body } = await exchange(proxy.port());
      expect(status).toBe(200);
      const seen = readResults(body).map(({ result, out }, i) => [
        ...CASES[i]!.slice(0, 2),
        result,
        out.subarray(0, 8).toString("hex"),
      ]);
      expect(seen).toEqual(CASES.map(([name, args, errno, out = UNTOUCHED]) => [name, args, errno, out]));
    });
  }

  test("fd_fdstat_get: the right to write, and nothing else", async () => {
    const stat = wasiImports().find(({ name }) => name === "fd_fdstat_get")!;
    const proxy = await engine.start(oneFilter({ wasm: callModule([{ function: stat, args: [1, "out"] }]) }));
    const [stored] = readResults((await exchange(proxy.port())).body);
    expect(stored!.out.toString("hex")).toBe(`${"00".repeat(8)}40${"00".repeat(15)}${"aa".repeat(8)}`);
  });

  test("every function can be imported under both names at once", async () => {
    const [first, second] = WASI_MODULES.map((module) => wasiImports(module));
    const imports = [...first!, ...second!.map((f) => ({ ...f, id: `unstable_${f.name}` }))];
    const proxy = await engine.start(oneFilter({ wasm: tableModule({ version: "0.2.1", imports }) }));
    expect((await exchange(proxy.port())).status).toBe(200);
  });

  for (const [name, letters] of [
    ["path_link", "iiiiiii"],
    ["path_symlink", "iiiii"],
  ] as const)
    test(`${name} of the type WASI gives it is a link error: Envoy's has a parameter less`, async () => {
      const f = { module: WASI_MODULES[0], name, params: [...letters].map(() => "i32"), results: ["i32"] };
      await expect(
        engine.start(oneFilter({ wasm: tableModule({ version: "0.2.1", imports: [f] }) })),
      ).rejects.toThrow();
    });
});
