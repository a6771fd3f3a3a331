/** Carries out work one piece after the other; what is asked for meanwhile is gathered into the next piece. */
export class OneAtATime {
  readonly #work: (files: string[]) => Promise<void>;
  readonly #waiting = new Set<string>();
  #busy: Promise<void> | undefined;

  /** @param work must not reject */
  constructor(work: (files: string[]) => Promise<void>) {
    this.#work = work;
  }

  add(files: readonly string[]): void {
    for (const file of files) this.#waiting.add(file);
    if (this.#waiting.size > 0) this.#busy ??= this.#run();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#busy;
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      const files = [...this.#waiting];
      this.#waiting.clear();
      await this.#work(files);
    }
    // In the same breath: what comes next starts anew.
    this.#busy = undefined;
  }
}
