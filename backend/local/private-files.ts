/** Files and folders in the data folder are their owner's alone, whatever the umask and whoever made them before. */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';

const FOLDER = 0o700;
/** For `open`; what was there keeps its mode: see `privateFile`. */
const FILE = 0o600;

/** Makes a folder, with those above it, if there is none. */
export function privateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: FOLDER });
  chmodSync(path, FOLDER);
}

/** Makes an empty file if there is none. */
export function privateFile(path: string): void {
  closeSync(openSync(path, 'a', FILE));
  chmodSync(path, FILE);
}
