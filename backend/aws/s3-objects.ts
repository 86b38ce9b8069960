/** Batches' objects in S3, `data/{batch}.jsonl`. A PutObject is there whole and durably once it is answered. */

import { inParallel } from '../core/in-parallel.ts';
import type { Objects } from '../ports/objects.ts';
import type { BucketBlobs } from './blobs.ts';
import { dataKey } from './keys.ts';

/** Objects written at a time: enough for many small ones, and bounded in memory where they are large. */
const AT_A_TIME = 8;

export function s3Objects(blobs: Pick<BucketBlobs, 'put' | 'get' | 'remove'>): Objects {
  return {
    async writeBatches(objects) {
      await inParallel(objects, AT_A_TIME, ({ batch, parts }) =>
        blobs.put(dataKey(batch), Buffer.concat(parts)),
      );
    },
    readBatch: (batch) => blobs.get(dataKey(batch)),
    removeBatches: (batches) => blobs.remove(batches.map(dataKey)),
  };
}
