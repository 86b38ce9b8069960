import { describe, expect, it } from 'vitest';
import { parseEnvironment } from '../../../cli/src/config/environment.ts';
import { configDir, dataDir } from '../../../cli/src/config/paths.ts';

const paths = (env: Record<string, string>, flag?: string): [string, string] => {
  const parsed = parseEnvironment(env);
  return [configDir(parsed), dataDir(parsed, '/cwd', flag)];
};

describe('paths', () => {
  it.each([
    [{ HOME: '/h' }, '/h/.config/batchml', '/h/.local/share/batchml'],
    [{ HOME: '/h', XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '/d' }, '/c/batchml', '/d/batchml'],
    [
      { HOME: '/h', XDG_CONFIG_HOME: 'c', XDG_DATA_HOME: '' },
      '/h/.config/batchml',
      '/h/.local/share/batchml',
    ],
    [{ HOME: '/h', XDG_DATA_HOME: '/d', BATCHML_HOME: '/b' }, '/b/config', '/b/data'],
    [{ BATCHML_HOME: '/b' }, '/b/config', '/b/data'],
  ])('%j', (env, config, data) => {
    expect(paths(env)).toEqual([config, data]);
  });

  it('--data-dir wins, from the working folder', () => {
    expect(paths({ HOME: '/h', BATCHML_HOME: '/b' }, 'x')[1]).toBe('/cwd/x');
    expect(paths({ HOME: '/h' }, '/x')[1]).toBe('/x');
  });

  it('says what to set where no home is known', () => {
    expect(() => paths({})).toThrow('no home folder is known');
  });
});

describe('environment', () => {
  it('takes empty values as unset, and is frozen', () => {
    const env = parseEnvironment({ NO_COLOR: '', CI: 'false', BATCHML_ENDPOINT: '', TERM: 'dumb' });
    expect(env).toMatchObject({ noColor: false, ci: false, endpoint: undefined, dumb: true });
    expect(parseEnvironment({ NO_COLOR: '0' }).noColor).toBe(true);
    expect(Object.isFrozen(env)).toBe(true);
  });
});
