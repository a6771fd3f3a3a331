/** Key-value data shared by every VM with the same vm_id. Values are versioned by one process-wide counter. */
export class SharedData {
  private readonly scopes = new Map<string, Map<string, { value: Buffer; cas: number }>>();
  private lastCas = 0;

  /** @param interferes does another thread write the same value again between a guest's read and its write? Tests say so */
  constructor(private readonly interferes: () => boolean = () => false) {}

  get(vmId: string, key: string): { value: Buffer; cas: number } | undefined {
    return this.scopes.get(vmId)?.get(key);
  }

  /** False on a cas mismatch. cas 0 always writes; an absent key is created whatever the cas. */
  set(vmId: string, key: string, value: Buffer, cas: number): boolean {
    let scope = this.scopes.get(vmId);
    if (!scope) {
      scope = new Map();
      this.scopes.set(vmId, scope);
    }
    const before = scope.get(key);
    if (cas !== 0 && before) {
      if (before.cas === cas && this.interferes()) before.cas = this.nextCas();
      if (before.cas !== cas) return false;
    }
    scope.set(key, { value, cas: this.nextCas() });
    return true;
  }

  private nextCas(): number {
    this.lastCas = (this.lastCas + 1) >>> 0 || 1;
    return this.lastCas;
  }
}
