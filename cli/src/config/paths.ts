/** Where configuration and data live. */
import { join, resolve } from 'node:path';
import { usageError } from '../errors.ts';
import type { Environment } from './environment.ts';

function homeOf(env: Environment): string {
  if (env.home === undefined)
    throw usageError('no home folder is known', {
      why: 'HOME is not set',
      next: ['set BATCHML_HOME to a folder for configuration and data'],
    });
  return env.home;
}

/** `BATCHML_HOME/config`, else `batchml` in the XDG configuration folder. */
export function configDir(env: Environment): string {
  if (env.batchmlHome !== undefined) return join(resolve(env.batchmlHome), 'config');
  return join(env.xdgConfigHome ?? join(homeOf(env), '.config'), 'batchml');
}

/** `--data-dir`, else `BATCHML_HOME/data`, else `batchml` in the XDG data folder. */
export function dataDir(env: Environment, cwd: string, flag?: string): string {
  if (flag !== undefined) return resolve(cwd, flag);
  if (env.batchmlHome !== undefined) return join(resolve(env.batchmlHome), 'data');
  return join(env.xdgDataHome ?? join(homeOf(env), '.local', 'share'), 'batchml');
}
