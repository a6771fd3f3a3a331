/** Shortest text of a double that reads back the same, as Envoy's formatter writes it (`nan`, `1.8e+06`). */
export function shortNumber(value: number): string {
  return Number.isNaN(value) ? "nan" : String(value);
}

/** A double with up to 32 significant digits, all of them exact: how Prometheus sums are printed. */
export function exactNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  // Every double is an integer times a power of two, so a fraction has a finite decimal expansion.
  let scaled = value;
  let shift = 0;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    shift++;
  }
  const digits = (BigInt(scaled) * 5n ** BigInt(shift)).toString().padStart(shift + 1, "0");
  const whole = digits.slice(0, -shift);
  const significant = whole === "0" ? 32 : Math.max(0, 32 - whole.length);
  const fraction = roundDigits(
    digits.slice(-shift),
    whole === "0" ? leadingZeros(digits.slice(-shift)) + significant : significant,
  );
  if (fraction.carry) return `${BigInt(whole) + 1n}${fraction.text === "" ? "" : `.${fraction.text}`}`;
  return fraction.text === "" ? whole : `${whole}.${fraction.text}`;
}

function leadingZeros(text: string): number {
  return text.length - text.replace(/^0+/, "").length;
}

function roundDigits(digits: string, keep: number): { text: string; carry: boolean } {
  if (digits.length <= keep) return { text: digits.replace(/0+$/, ""), carry: false };
  const up = digits.charCodeAt(keep) >= 53 ? 1n : 0n;
  const rounded = (BigInt(digits.slice(0, keep) || "0") + up).toString().padStart(keep, "0");
  const carry = rounded.length > keep;
  return { text: (carry ? rounded.slice(1) : rounded).replace(/0+$/, ""), carry };
}
