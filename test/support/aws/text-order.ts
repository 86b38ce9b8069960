/** The order of sort keys: that of their UTF-8 bytes. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  // Code units sort as UTF-8 does unless surrogates are among them.
  if (!/[\ud800-\udfff]/.test(a + b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
