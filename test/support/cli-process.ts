/** The command line as a user runs it: a process of its own, in a home of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './local-pipeline.ts';

const BIN = fileURLToPath(new URL('../../cli/bin/batchml.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of stdout, parsed. */
  readonly lines: readonly Record<string, unknown>[];
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when stderr has the text; rejects when the process ends before. */
  says(text: string): Promise<void>;
}

export interface Home {
  readonly path: string;
  /** Writes a file into the home; gives its path. */
  file(name: string, content: string | Uint8Array): string;
  start(args: readonly string[], options?: { stdin?: string; env?: Record<string, string> }): Started;
  run(args: readonly string[], options?: { stdin?: string; env?: Record<string, string> }): Promise<Ended>;
  /** A line of shell in which `batchml` is the command. */
  shell(line: string): Promise<Ended>;
  /** Ends what still runs, and removes the folder. */
  dispose(): Promise<void>;
}

export function makeHome(): Home {
  const { path, remove } = temporaryFolder();
  const running = new Map<ChildProcess, Promise<Ended>>();
  mkdirSync(join(path, 'bin'));
  writeFileSync(join(path, 'bin', 'batchml'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, {
    mode: 0o755,
  });

  function launch(
    command: string,
    args: readonly string[],
    { stdin, env }: { stdin?: string; env?: Record<string, string> } = {},
  ): Started {
    const child = spawn(command, args, {
      cwd: path,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: `${join(path, 'bin')}:${process.env['PATH']}`,
        HOME: path,
        BATCHML_HOME: join(path, 'batchml'),
        ...env,
      },
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin ?? '');
    let stdout = '';
    let stderr = '';
    const watchers = new Set<() => void>();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      for (const watch of watchers) watch();
    });
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code) => {
        running.delete(child);
        resolve({
          code,
          stdout,
          stderr,
          get lines() {
            return stdout.trimEnd() === ''
              ? []
              : stdout
                  .trimEnd()
                  .split('\n')
                  .map((line) => JSON.parse(line));
          },
        });
      });
    });
    running.set(child, ended);
    return {
      child,
      ended,
      says: (text) =>
        new Promise((resolve, reject) => {
          const watch = () => {
            if (!stderr.includes(text)) return;
            watchers.delete(watch);
            resolve();
          };
          watchers.add(watch);
          watch();
          void ended.then(() => reject(new Error(`it ended without saying "${text}":\n${stderr}`)));
        }),
    };
  }

  return {
    path,
    file(name, content) {
      const file = join(path, name);
      writeFileSync(file, content);
      return file;
    },
    start: (args, options) => launch(process.execPath, [BIN, ...args], options),
    run: (args, options) => launch(process.execPath, [BIN, ...args], options).ended,
    shell: (line) => launch('bash', ['-c', line]).ended,
    async dispose() {
      for (const [child, ended] of running) {
        child.kill('SIGKILL');
        await ended;
      }
      remove();
    },
  };
}
