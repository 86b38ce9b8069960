/** Options and the template's parameters: each setting has an option, with the same values allowed. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changeSetParameters,
  checkSettings,
  effectiveParameters,
  flagOf,
  givenParameters,
  OWN_PARAMETERS,
  SETTINGS,
} from '../../../cli/src/deploy/settings.ts';
import { createProgram } from '../../../cli/src/program.ts';
import { TEMPLATE } from '../../stack/template.ts';

const { Parameters } = TEMPLATE;

describe('settings', () => {
  it('are all of the template, and no others', () => {
    const names = [...SETTINGS.map(({ parameter }) => parameter), ...OWN_PARAMETERS];
    expect(names.sort()).toEqual(Object.keys(Parameters).sort());
  });

  it.each(SETTINGS.map((setting) => [setting.parameter, setting] as const))(
    '%s takes what the template takes',
    (name, setting) => {
      const { MinValue, MaxValue, AllowedValues, AllowedPattern, Default } = Parameters[name];
      // A number that a word stands for may be outside of the others.
      const words = Object.values(setting.words ?? {}).map(Number);
      if (MinValue !== undefined) {
        const { min = Number.NaN, max = Number.NaN } = setting.range ?? {};
        expect([Math.min(min, ...words), Math.max(max, ...words)]).toEqual([MinValue, MaxValue]);
      }
      if (AllowedValues !== undefined) {
        const values = (setting.choices ?? []).map((choice) => setting.words?.[choice] ?? choice);
        expect([...values].sort()).toEqual([...AllowedValues].sort());
      }
      if (AllowedPattern !== undefined) expect(setting.pattern).toBeDefined();
      // Help says the default.
      const word = Object.entries(setting.words ?? {}).find(([, value]) => value === Default)?.[0] ?? Default;
      expect(setting.description).toContain(String(word));
    },
  );

  it('come from options into parameters', () => {
    const program = createProgram({ start: async () => {}, print: () => {}, columns: 80 });
    const command = program.commands.find((one) => one.name() === 'deploy');
    const line =
      '--batch-size 10 --tracing off --notice-email none --retention-days 7 --max-payload-mb 0 --model m';
    command?.parseOptions(line.split(' '));
    expect(givenParameters(command?.opts() ?? {})).toEqual({
      KinesisBatchSize: '10',
      TracingMode: 'PassThrough',
      NoticeEmail: '',
      RetentionDays: '7',
      MaxPayloadMB: '0',
    });
    expect(flagOf('KinesisBatchSize')).toBe('--batch-size');
  });

  it.each([
    ['0', '0'],
    ['3', '3'],
    ['on-demand', '-1'],
  ])('--shard-count %s is the parameter %s', (word, value) => {
    const program = createProgram({ start: async () => {}, print: () => {}, columns: 80 });
    const command = program.commands.find((one) => one.name() === 'deploy');
    command?.parseOptions(['--shard-count', word]);
    expect(givenParameters(command?.opts() ?? {})).toEqual({ JobStreamShardCount: value });
  });

  it.each([
    ['0', '500'],
    ['1', '2'],
    ['4', '8'],
    ['4', '2'],
    ['5', '3'],
    ['4', '0'],
    ['4', '-1'],
    ['-1', '50'],
  ])('shards may go from %s to %s', (JobStreamShardCount, after) => {
    expect(() => checkSettings({}, { JobStreamShardCount: after }, { JobStreamShardCount })).not.toThrow();
  });

  it.each([
    ['1', '3', '--shard-count 2'],
    ['8', '3', '--shard-count 4'],
    ['5', '2', '--shard-count 3'],
  ])('shards may not go from %s to %s in one step, but by %s', (JobStreamShardCount, after, by) => {
    const check = () => checkSettings({}, { JobStreamShardCount: after }, { JobStreamShardCount });
    expect(check).toThrow(`--shard-count ${after} is too far from ${JobStreamShardCount}`);
    expect(check).toThrow(
      expect.objectContaining({
        next: [expect.stringContaining(by), expect.stringContaining('--shard-count 0')],
      }),
    );
  });
});

describe('parameters of a change set', () => {
  const name = fc.constantFrom('A', 'B', 'C', 'D', 'E');
  const values = fc.dictionary(name, fc.string(), { noNullPrototype: true });

  it('give each value once: given, else previous, else none; never an old value that there is not', () => {
    fc.assert(
      fc.property(values, values, fc.uniqueArray(name), (given, previous, declared) => {
        const made = changeSetParameters(given, previous, declared);
        expect(new Set(made.map(({ ParameterKey }) => ParameterKey)).size).toBe(made.length);
        for (const { ParameterKey, ParameterValue, UsePreviousValue } of made) {
          expect(declared).toContain(ParameterKey);
          if (UsePreviousValue) expect(ParameterKey in previous && !(ParameterKey in given)).toBe(true);
          else expect(ParameterValue).toBe(given[ParameterKey]);
        }
        for (const key of declared)
          expect(made.some(({ ParameterKey }) => ParameterKey === key)).toBe(key in given || key in previous);
      }),
    );
  });

  it('hold in the same order of precedence', () => {
    const declared = { A: { Default: 1 }, B: { Default: 'b' }, C: {} };
    expect(effectiveParameters({ A: 'given' }, { A: 'old', B: 'old', X: 'gone' }, declared)).toEqual({
      A: 'given',
      B: 'old',
    });
  });
});
