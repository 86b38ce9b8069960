/** Batches' objects as plain files in `<root>/data`. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inParallel } from '../core/in-parallel.ts';
import type { Objects } from '../ports/objects.ts';
import { randomText } from './random.ts';

/** Files written at a time. */
const AT_A_TIME = 8;

/** What files under way end with. */
const ASIDE = '.part';

/**
 * What another process left half written is removed: it has ended, as the data folder is this one's.
 * @param root the data folder; made if absent
 */
export function fileObjects(root: string): Objects {
  const folder = join(root, 'data');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const file of readdirSync(folder))
    if (file.endsWith(ASIDE)) rmSync(join(folder, file), { force: true });
  const path = (batch: string) => join(folder, `${batch}.jsonl`);
  return {
    async writeBatches(objects) {
      // The disk takes several syncs together.
      await inParallel(objects, AT_A_TIME, ({ batch, parts }) => writeWhole(path(batch), parts));
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

/** Whole or not at all, and there after a power cut once its folder is synced: written aside, synced, renamed. */
async function writeWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  // A name of its own: two may write the same object at once.
  const aside = `${path}.${randomText()}${ASIDE}`;
  try {
    const file = await open(aside, 'w', 0o600);
    try {
      await file.appendFile(Buffer.concat(parts));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}
