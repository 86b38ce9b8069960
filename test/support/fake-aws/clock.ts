/** AWS's clock: a second later with every event. */
export class Clock {
  /** AWS is so much ahead of this machine, in ms. */
  skewMs = 0;
  private at = Date.parse('2026-08-01T12:00:00.000Z');

  tick(): string {
    this.at += 1000;
    return this.now();
  }

  now(): string {
    return new Date(this.at + this.skewMs).toISOString();
  }
}
