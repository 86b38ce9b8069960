/** What was asked of a service: calls by kind; of the store also read and write units of its table and of its index. */
export class Meter {
  readonly calls: Record<string, number> = {};
  readonly reads: Record<string, number> = {};
  readonly writes: Record<string, number> = {};
  /** Write units, index included, by what items' partition keys begin with: `C` for chunks (`backend/ledger/keys.ts`). */
  readonly writesOf: Record<string, number> = {};

  call(kind: string): void {
    this.calls[kind] = (this.calls[kind] ?? 0) + 1;
  }

  read(name: string, units: number): void {
    this.reads[name] = (this.reads[name] ?? 0) + units;
  }

  write(name: string, units: number, pk: string): void {
    if (units <= 0) return;
    const kind = pk.split('#', 1)[0] ?? '';
    this.writes[name] = (this.writes[name] ?? 0) + units;
    this.writesOf[kind] = (this.writesOf[kind] ?? 0) + units;
  }

  reset(): void {
    for (const record of [this.calls, this.reads, this.writes, this.writesOf])
      for (const key of Object.keys(record)) delete record[key];
  }
}
