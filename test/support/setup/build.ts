interface BuildScript {
  build(options: { say: (line: string) => void; types: boolean }): Promise<void>;
}

/** Several projects ask for it; one run builds once. */
let built: Promise<void> | undefined;

/** Brings dist/ and build/ up to date; what has not changed is left alone. `SKIP_BUILD=1` leaves everything as it is. */
export default function setup(): Promise<void> | undefined {
  if (process.env.SKIP_BUILD) return undefined;
  built ??= build();
  return built;
}

async function build(): Promise<void> {
  const script: BuildScript = await import(new URL("../../../scripts/build.mjs", import.meta.url).href);
  await script.build({ say: () => {}, types: false });
}
