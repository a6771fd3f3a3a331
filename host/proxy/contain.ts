/** Hears of a defect of this host; does not throw. */
export type OnBug = (error: unknown) => void;

/**
 * A listener or a timer's function of which whatever it throws is told, and goes no further: thrown on, it would end the
 * process.
 */
export function contained<A extends unknown[]>(
  run: (...args: A) => void,
  onBug: OnBug,
): (...args: A) => void {
  return (...args) => {
    try {
      run(...args);
    } catch (error) {
      onBug(error);
    }
  };
}
