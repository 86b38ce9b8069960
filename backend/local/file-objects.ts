/** Batches' objects as plain files in `<root>/data`. */
import { mkdirSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Objects } from '../ports/objects.ts';

/** @param root the data folder; made if absent */
export function fileObjects(root: string): Objects {
  const folder = join(root, 'data');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = (batch: string) => join(folder, `${batch}.jsonl`);
  return {
    async writeBatch(batch, parts) {
      // Whole or not at all, and there after a power cut: written aside, synced, renamed, and the folder synced.
      const aside = `${path(batch)}.part`;
      const file = await open(aside, 'w', 0o600);
      try {
        for (const part of parts) await file.write(part);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, path(batch));
      const dir = await open(folder, 'r');
      try {
        await dir.sync();
      } finally {
        await dir.close();
      }
    },

    async readBatch(batch) {
      try {
        return await readFile(path(batch), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },

    async removeBatches(batches) {
      await Promise.all(batches.map((batch) => rm(path(batch), { force: true })));
    },
  };
}
