/** Cutting an object's records into requests, as Batch Transform does with `SplitType=Line`. */
import type { BatchStrategy, ContentType } from '../../core/settings.ts';

/** MaxPayloadInMB counts these. */
export const MB = 1024 * 1024;

/** Records `from` (inclusive) to `to` (exclusive) of an object: one request. */
export interface MiniBatch {
  readonly from: number;
  readonly to: number;
}

/**
 * Mini-batches of at most `maxBytes`, in order; or how long the first record is that is over it alone.
 * @param totalBytes size of all records, or more: if it fits, nothing needs measuring
 */
export function cutMiniBatches(
  records: readonly string[],
  strategy: BatchStrategy,
  maxBytes: number,
  totalBytes: number,
): MiniBatch[] | { readonly tooLong: number } {
  const single = strategy === 'SingleRecord';
  if (totalBytes <= maxBytes) {
    if (single) return records.map((_, from) => ({ from, to: from + 1 }));
    return records.length === 0 ? [] : [{ from: 0, to: records.length }];
  }
  const cut: MiniBatch[] = [];
  let from = 0;
  let size = 0;
  for (let i = 0; i < records.length; i++) {
    const bytes = Buffer.byteLength(records[i] as string);
    if (bytes > maxBytes) return { tooLong: bytes };
    if (i > from && (single || size + bytes + 1 > maxBytes)) {
      cut.push({ from, to: i });
      from = i;
      size = 0;
    }
    size += bytes + 1;
  }
  if (from < records.length) cut.push({ from, to: records.length });
  return cut;
}

/**
 * A request's body: a line for each record. One JSON document by itself has no line break after it: to some servers
 * that would be a second, empty one.
 */
export function requestBody(
  records: readonly string[],
  contentType: ContentType,
  strategy: BatchStrategy,
): string {
  if (contentType === 'application/json' && strategy === 'SingleRecord') return records.join('\n');
  return `${records.join('\n')}\n`;
}
