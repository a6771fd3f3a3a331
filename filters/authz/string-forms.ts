/** Istio's value forms: exact, `p*`, `*s`, and `*` for any non-empty value. An inner `*` is literal. */
export class ValueMatch {
  private exact: bool = false;
  private suffix: bool = false;
  private text: string = "";

  constructor(
    value: string,
    private readonly ignoreCase: bool = false,
  ) {
    const folded = ignoreCase ? value.toLowerCase() : value;
    this.suffix = folded.length > 1 && folded.startsWith("*");
    this.exact = !this.suffix && !folded.endsWith("*");
    if (this.exact) this.text = folded;
    else if (this.suffix) this.text = folded.substring(1);
    else this.text = folded.substring(0, folded.length - 1);
  }

  matches(value: string): bool {
    const subject = this.ignoreCase ? value.toLowerCase() : value;
    if (this.exact) return subject == this.text;
    if (this.suffix) return subject.endsWith(this.text);
    return this.text == "" ? subject != "" : subject.startsWith(this.text);
  }
}

export function anyMatches(forms: ValueMatch[], value: string): bool {
  for (let i = 0; i < forms.length; i++) if (forms[i].matches(value)) return true;
  return false;
}
