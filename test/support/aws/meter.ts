/** What was asked of a service: calls by kind; of the store also read and write units of its table and of its index. */
export class Meter {
  readonly calls: Record<string, number> = {};
  readonly reads: Record<string, number> = {};
  readonly writes: Record<string, number> = {};

  call(kind: string): void {
    this.calls[kind] = (this.calls[kind] ?? 0) + 1;
  }

  read(name: string, units: number): void {
    this.reads[name] = (this.reads[name] ?? 0) + units;
  }

  write(name: string, units: number): void {
    if (units > 0) this.writes[name] = (this.writes[name] ?? 0) + units;
  }

  reset(): void {
    for (const record of [this.calls, this.reads, this.writes])
      for (const key of Object.keys(record)) delete record[key];
  }
}
