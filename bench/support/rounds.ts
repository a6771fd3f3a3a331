/** Something that can be done `count` times; `prepare` is not timed. */
export interface Subject {
  name: string;
  prepare?(count: number): void;
  run(count: number): void;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

/**
 * Nanoseconds a time, per subject and round. Every round runs every subject, so that whatever disturbs the machine hits
 * all; inside a round the median of short slices leaves out those during which somebody else had the processor.
 */
export function measure(
  subjects: readonly Subject[],
  { rounds = 15, warmUp = 3, slices = 4000, size = 10 } = {},
): Map<string, number[]> {
  const results = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  for (let round = -warmUp; round < rounds; round++)
    for (const subject of subjects) {
      const times: number[] = [];
      for (let slice = 0; slice < slices; slice++) {
        subject.prepare?.(size);
        const began = performance.now();
        subject.run(size);
        times.push(((performance.now() - began) * 1e6) / size);
      }
      if (round >= 0) results.get(subject.name)!.push(median(times));
    }
  return results;
}

/** Median over the rounds of one subject's time as a multiple of another's in the same round. */
export function ratio(results: ReadonlyMap<string, number[]>, name: string, base: string): number {
  const bases = results.get(base)!;
  return median(results.get(name)!.map((value, round) => value / bases[round]!));
}
