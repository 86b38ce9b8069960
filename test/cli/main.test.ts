import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../cli/src/version.ts';
import { records, World } from '../support/run-cli.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(() => world.dispose());

const COMMANDS = [
  'run',
  'local',
  'submit',
  'status',
  'results',
  'retry',
  'cancel',
  'list',
  'logs',
  'profile',
  'key',
  'info',
  'doctor',
];

describe('help and version', () => {
  it('prints the version', async () => {
    expect(await world.run(['--version'])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it.each([[['--help']], [[]], [['help']], [['help', '--no-color']]])(
    'prints help on stdout for %j',
    async (argv) => {
      const { code, stdout, stderr } = await world.run(argv);
      expect([code, stderr]).toEqual([0, '']);
      for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
      expect(stdout).toContain('Exit codes:');
    },
  );

  it.each(COMMANDS)('prints help of %s, with examples', async (name) => {
    const { code, stdout } = await world.run([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: batchml ${name}`);
    expect(stdout).toMatch(/Examples:\n {2}# .+\n {2}\$ .*batchml /);
    expect(stdout).toContain('--json');
  });
});

describe('wrong usage', () => {
  it.each([
    [['staus'], /unknown command 'staus'[\s\S]*Did you mean status\?/],
    [['help', 'frob'], /unknown command 'frob'/],
    [['help', 'staus'], /unknown command 'staus'[\s\S]*Did you mean status\?/],
    [['run'], /missing required argument 'file'/],
    [['list', '--wath'], /unknown option '--wath'/],
    [['list', 'extra'], /too many arguments/],
    [['submit', 'a', '--format', 'xml'], /--format.*xml[\s\S]*plain/],
  ])('%j exits with 2', async (argv, message) => {
    const { code, stdout, stderr } = await world.run(argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  it('is a JSON document with --json', async () => {
    const { code, stdout, stderr } = await world.run(['list', '--limit', 'x', '--json']);
    expect([code, stderr]).toEqual([2, '']);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'usage',
        message: expect.stringContaining('--limit'),
        hint: null,
        next: ['batchml --help'],
      },
    });
  });
});

describe('errors', () => {
  it.each([
    ['nofile.jsonl', 'nofile.jsonl: no such file or folder'],
    ['.', '.: it is a folder, not a file'],
  ])('names the file as it was given: %s', async (file, message) => {
    const { code, stderr } = await world.run(['submit', file]);
    expect(code).toBe(2);
    expect(stderr).toContain(`error: ${message}`);
  });

  it('says that something else answered', async () => {
    world.api.faults = () => new Response('<html>\u001b[2Jnot here</html>', { status: 404 });
    const { code, stderr } = await world.run(['status', 'x']);
    expect(code).toBe(1);
    expect(stderr).toContain('error: this is not a batchml API: http://fake\n');
    expect(stderr).toContain('it answered 404: <html>\\u001b[2Jnot here</html>');
    expect(stderr).toContain('check BATCHML_ENDPOINT');
    world.api.faults = () => new Response('<html>welcome</html>');
    expect((await world.run(['list'])).stderr).toContain('this is not a batchml API');
  });

  it('shows where an unexpected one came from only with --debug', async () => {
    world.api.faults = () => {
      throw new RangeError('a fault of ours');
    };
    const { code, stderr } = await world.run(['list']);
    expect(code).toBe(1);
    expect(stderr).toContain('error: a fault of ours');
    expect(stderr).not.toContain('fake-api.ts');
    expect((await world.run(['list', '--debug'])).stderr).toMatch(/at .*\.ts:\d+/);
  });

  it('are coloured on a terminal only', async () => {
    expect((await world.run(['run', 'x', '--model', 'm'], { tty: true })).stderr).toContain(
      '\u001b[31merror:',
    );
    expect((await world.run(['run', 'x', '--model', 'm'])).stderr).not.toContain('\u001b');
    const plain = await world.run(['run', 'x', '--model', 'm'], { tty: true, env: { NO_COLOR: 'yes' } });
    expect(plain.stderr).not.toContain('\u001b');
  });

  it('--quiet says errors only', async () => {
    await world.file('a.jsonl', records(3));
    expect(await world.run(['submit', 'a.jsonl', '-q'])).toMatchObject({ code: 0, stderr: '' });
    expect((await world.run(['submit', 'nofile', '-q'])).stderr).toContain('error:');
  });

  it('draws nothing in CI', async () => {
    await world.file('a.jsonl', records(3));
    const { stderr } = await world.run(['submit', 'a.jsonl'], {
      tty: true,
      env: { CI: 'true', NO_COLOR: '1' },
    });
    expect(stderr).not.toContain('\u001b');
  });
});
