/**
 * Files of local transform jobs: `result/{name}/` with `manifest.json`, `{batch}.out` and at the end `status.json`, and
 * `logs/{name}.log`, the data log. Nothing is fsynced: an output that is lost or torn in a crash is found by its reader
 * and made again.
 */
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Output, TransformDescription, TransformSpec } from '../../ports/transforms.ts';

const OUT = '.out';

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

  async writeOutput(name: string, batch: string, text: string): Promise<void> {
    await this.#write(name, `${batch}${OUT}`, text);
  }

  async readOutput(name: string, batch: string): Promise<Output> {
    const object = join(this.#folder(name), `${batch}${OUT}`);
    return { object, text: await readFile(object, 'utf8') };
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

  async remove(name: string): Promise<void> {
    await rm(this.#folder(name), { recursive: true, force: true });
  }

  #folder(name: string): string {
    return join(this.#results, name);
  }

  #log(name: string): string {
    return join(this.#logs, `${name}.log`);
  }

  /** By another name first, so that whoever sees the file sees all of it. */
  async #write(name: string, file: string, text: string): Promise<void> {
    const path = join(this.#folder(name), file);
    await writeFile(`${path}.tmp`, text, { mode: 0o600 });
    await rename(`${path}.tmp`, path);
  }

  async #list(name: string): Promise<string[] | undefined> {
    try {
      return await readdir(this.#folder(name));
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined;
      throw error;
    }
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
