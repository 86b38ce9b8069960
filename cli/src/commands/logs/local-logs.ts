/** The logs of a pipeline on this machine: files of the data folder. */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogEvent } from './entry.ts';

/** Read from the end of a file, in bytes. */
const TAIL_BYTES = 1024 * 1024;

/** Transform jobs' lines begin with their time, in UTC: `2026-08-01T12:00:00.000:[sagemaker logs]`. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}):\[/;

interface File {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly changedAt: number;
}

export class LocalLogs {
  private readonly folder: string;
  /** Where each file was read up to: the end of a line. */
  private readonly readTo = new Map<string, number>();

  /** @param dataDir the pipeline's data folder */
  constructor(dataDir: string) {
    this.folder = join(dataDir, 'logs');
  }

  /** Whole lines that came since the last look, file by file; of a file that is new here, those of its end. */
  async look({ since, atEnd }: { readonly since: number; readonly atEnd: boolean }): Promise<LogEvent[]> {
    const found: LogEvent[] = [];
    for (const file of await this.files()) {
      if (file.changedAt < since && !this.readTo.has(file.path)) continue;
      for (const text of await this.fresh(file, atEnd)) {
        const at = timeOf(text);
        if (at !== undefined && at < since) continue;
        found.push({ id: '', at, source: file.name.replace(/\.log$/, ''), text });
      }
    }
    return found;
  }

  /** Those changed last come last. */
  private async files(): Promise<File[]> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const files: File[] = [];
    for (const name of names.filter((name) => name.endsWith('.log')).sort()) {
      const path = join(this.folder, name);
      const stats = await stat(path).catch(() => undefined);
      if (stats?.isFile()) files.push({ name, path, size: stats.size, changedAt: stats.mtimeMs });
    }
    return files.sort((a, b) => a.changedAt - b.changedAt);
  }

  /** @param atEnd what has no line break yet is a line too: nobody comes back for it */
  private async fresh({ path, size }: File, atEnd: boolean): Promise<string[]> {
    const known = this.readTo.get(path);
    // Shorter than it was: it was begun anew.
    const from = known === undefined || known > size ? Math.max(0, size - TAIL_BYTES) : known;
    if (size === from && this.readTo.has(path)) return [];
    const handle = await open(path, 'r').catch(() => undefined);
    if (handle === undefined) return [];
    try {
      const read = await readRange(handle, from, size - from);
      // A file that is read from its middle begins with half a line.
      const start = known === undefined && from > 0 ? read.indexOf('\n') + 1 : 0;
      // What is half written is read with the next look.
      const end = atEnd ? read.length : read.lastIndexOf('\n') + 1;
      this.readTo.set(path, from + end);
      const text = read.toString('utf8', start, end).replace(/\r?\n$/, '');
      return end <= start ? [] : text.split(/\r?\n/);
    } finally {
      await handle.close();
    }
  }
}

async function readRange(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, from);
  return buffer.subarray(0, bytesRead);
}

function timeOf(line: string): number | undefined {
  const [, time] = TIME.exec(line) ?? [];
  return time === undefined ? undefined : Date.parse(`${time}Z`);
}
