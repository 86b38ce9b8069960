/**
 * Files of local transform jobs: `result/{name}/` with `manifest.json`, `{batch}.out` and at the end `status.json`, and
 * `logs/{name}.log`, the data log. Outputs are synced; the others aren't: one that is lost or torn in a crash is found by
 * its reader and made again.
 */
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDataLog } from '../../core/data-log.ts';
import type { Output, TransformDescription, TransformSpec } from '../../ports/transforms.ts';
import { ASIDE, OutputFile, openOutput } from './output-file.ts';

const OUT = '.out';
const LOG = '.log';
/** Transform jobs' names, as the pipeline gives them; other logs stand beside theirs. */
const OURS = /^batchml-[0-9a-f]{32}\.log$/;
/** Data logs of ended transform jobs that are kept, the last ones: so many, and so many bytes together. */
export const LOGS_KEPT = { files: 100, bytes: 20 * 1024 * 1024 };

export class TransformFiles {
  readonly #results: string;
  readonly #logs: string;

  constructor(root: string) {
    this.#results = join(root, 'result');
    this.#logs = join(root, 'logs');
  }

  /** Makes a transform job's folder; false when it is there already. */
  async claim(spec: TransformSpec): Promise<boolean> {
    await mkdir(this.#results, { recursive: true, mode: 0o700 });
    await mkdir(this.#logs, { recursive: true, mode: 0o700 });
    try {
      await mkdir(this.#folder(spec.name), { mode: 0o700 });
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      throw error;
    }
    await this.#write(spec.name, 'manifest.json', `${JSON.stringify(spec)}\n`);
    return true;
  }

  /** A batch's output, to be written. */
  newOutput(name: string, batch: string): OutputFile {
    return new OutputFile(this.#output(name, batch));
  }

  /** Where a large answer may be put. */
  answerFile(name: string, batch: string, request: number): string {
    return `${this.#output(name, batch)}.${request}${ASIDE}`;
  }

  /** Throws when there is none. */
  readOutput(name: string, batch: string): Promise<Output> {
    return openOutput(this.#output(name, batch));
  }

  /** Batches that have an output object. */
  async outputs(name: string): Promise<string[]> {
    const files = (await this.#list(name)) ?? [];
    return files.filter((file) => file.endsWith(OUT)).map((file) => file.slice(0, -OUT.length));
  }

  async exists(name: string): Promise<boolean> {
    return (await this.#list(name)) !== undefined;
  }

  async writeStatus(name: string, description: TransformDescription): Promise<void> {
    await this.#write(name, 'status.json', `${JSON.stringify(description)}\n`);
  }

  /** How it ended; undefined when that was never written down, or is torn. */
  async status(name: string): Promise<TransformDescription | undefined> {
    const text = await readOrNothing(join(this.#folder(name), 'status.json'));
    try {
      return text === undefined ? undefined : (JSON.parse(text) as TransformDescription);
    } catch {
      return undefined;
    }
  }

  async appendLog(name: string, text: string): Promise<void> {
    await appendFile(this.#log(name), text, { mode: 0o600 });
  }

  async log(name: string): Promise<string> {
    return (await readOrNothing(this.#log(name))) ?? '';
  }

  /** Removes all but the data log, and that too where it tells of no failure; with it, logs of long ago. */
  async remove(name: string): Promise<void> {
    await rm(this.#folder(name), { recursive: true, force: true });
    const log = await readOrNothing(this.#log(name));
    if (log === undefined) return;
    if (parseDataLog(log).length === 0) await rm(this.#log(name), { force: true });
    else await this.#removeOldLogs();
  }

  /** Logs of transform jobs whose folder is still there are read again. */
  async #removeOldLogs(): Promise<void> {
    const logs = [];
    for (const file of (await listOrNothing(this.#logs)) ?? []) {
      const name = file.slice(0, -LOG.length);
      if (!OURS.test(file) || (await this.exists(name))) continue;
      const stats = await stat(this.#log(name)).catch(() => undefined);
      if (stats) logs.push({ path: this.#log(name), size: stats.size, at: stats.mtimeMs });
    }
    let bytes = 0;
    for (const [i, log] of logs.sort((a, b) => b.at - a.at).entries()) {
      bytes += log.size;
      if (i > 0 && (i >= LOGS_KEPT.files || bytes > LOGS_KEPT.bytes)) await rm(log.path, { force: true });
    }
  }

  #output(name: string, batch: string): string {
    return join(this.#folder(name), `${batch}${OUT}`);
  }

  #folder(name: string): string {
    return join(this.#results, name);
  }

  #log(name: string): string {
    return join(this.#logs, `${name}${LOG}`);
  }

  /** By another name first, so that whoever sees the file sees all of it. */
  async #write(name: string, file: string, text: string): Promise<void> {
    const path = join(this.#folder(name), file);
    await writeFile(`${path}.tmp`, text, { mode: 0o600 });
    await rename(`${path}.tmp`, path);
  }

  #list(name: string): Promise<string[] | undefined> {
    return listOrNothing(this.#folder(name));
  }
}

async function listOrNothing(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
