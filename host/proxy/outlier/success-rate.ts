/** Requests of one host in the running interval and in the one before, which alone is judged. */
export class SuccessRate {
  private total = 0;
  private good = 0;
  /** Requests in the last whole interval. */
  volume = 0;
  private goodBefore = 0;
  /** Per cent, as `/clusters` shows it: of a host with requests enough to be judged; -1 without. */
  shown = -1;

  count(success: boolean): void {
    this.total++;
    if (success) this.good++;
  }

  /** An interval has ended. */
  turn(): void {
    this.volume = this.total;
    this.goodBefore = this.good;
    this.total = 0;
    this.good = 0;
    this.shown = -1;
  }

  /** Per cent of the last whole interval; undefined without requests. */
  get rate(): number | undefined {
    return this.volume === 0 ? undefined : (this.goodBefore * 100) / this.volume;
  }
}

/** What a host's success rate has to reach among the others': the mean without so many standard deviations. */
export function rateThreshold(rates: readonly number[], stdevFactor: number): number {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return mean - (stdevFactor / 1000) * Math.sqrt(variance);
}
