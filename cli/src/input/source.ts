/**
 * Opens an input for any number of passes. The file stays open in between, so that a file that an editor replaces is
 * still the one that was checked; what can be read only once (stdin, a pipe) is spooled first.
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteSource } from './input.ts';

export interface InputFile {
  /** What to call it in messages: the path, or `<stdin>`. */
  readonly label: string;
  /** The bytes from the start; each call is a pass of its own. */
  open(): ByteSource;
  /** Closes it and removes what was spooled; may be called again. */
  dispose(): Promise<void>;
}

/** Where an input that isn't a regular file comes from and goes to. */
interface InputDeps {
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Folder for what has to be spooled; made if it doesn't exist. */
  readonly tmpDir: string;
}

const BLOCK_BYTES = 256 * 1024;

/**
 * Opens a path, or stdin for `-`.
 * @throws Error with the file system's `code`: ENOENT, EISDIR, EACCES
 */
export async function openInput(path: string, deps: InputDeps): Promise<InputFile> {
  if (path === '-') return inputFile('<stdin>', await spool(deps.stdin, deps.tmpDir));
  const handle = await open(path, 'r');
  try {
    const stat = await handle.stat();
    if (stat.isDirectory())
      throw Object.assign(new Error(`EISDIR: illegal operation on a directory, read '${path}'`), {
        code: 'EISDIR',
        path,
      });
    if (stat.isFile()) return inputFile(path, handle);
    // A pipe, such as bash's <(command), gives its bytes only once.
    const spooled = await spool(readBlocks(handle, false), deps.tmpDir);
    await handle.close();
    return inputFile(path, spooled);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function inputFile(label: string, handle: FileHandle): InputFile {
  let closed: Promise<void> | undefined;
  return {
    label,
    open: () => readBlocks(handle, true),
    dispose: () => {
      closed ??= handle.close();
      return closed;
    },
  };
}

/** Reads a file in blocks. Positions of their own let passes run side by side; pipes have none. */
async function* readBlocks(handle: FileHandle, positioned: boolean): AsyncGenerator<Uint8Array> {
  let position = 0;
  for (;;) {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    const { bytesRead } = await handle.read(block, 0, BLOCK_BYTES, positioned ? position : null);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield block.subarray(0, bytesRead);
  }
}

/** Copies a stream into a file that only this user and process can open: its name goes as soon as it is open. */
async function spool(stream: AsyncIterable<Uint8Array>, folder: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `batchml-input-${randomUUID()}`);
  const handle = await open(path, 'wx+', 0o600);
  try {
    // So a crash, or a kill, leaves nothing behind.
    await unlink(path);
    for await (const bytes of stream) await writeAll(handle, bytes);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}
