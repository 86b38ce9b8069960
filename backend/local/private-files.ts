/** Files and folders in the data folder are their owner's alone, whatever the umask and whoever made them before. */
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = 0o700;
const FILE = 0o600;
const OTHERS = 0o077;

/** Makes a folder, with those above it, if there is none. One that others could enter is taken from them with all that is in it. */
export function privateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: FOLDER });
  if (statSync(path).mode & OTHERS) takeFromOthers(path);
}

function takeFromOthers(folder: string): void {
  chmodSync(folder, FOLDER);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) takeFromOthers(path);
    else if (entry.isFile()) chmodSync(path, FILE);
  }
}

/** Makes an empty file if there is none. */
export function privateFile(path: string): void {
  closeSync(openSync(path, 'a', FILE));
  chmodSync(path, FILE);
}
