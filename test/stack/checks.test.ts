/** What others' checks say of the stack. Everything that they find and that stays is listed with its reason. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { makeStack } from '../../backend/stack/synth.ts';
import { TEXT, ZIPS } from './template.ts';

/** cdk-nag, AwsSolutions: by the rule, with what it finds. */
const ACCEPTED: readonly (readonly [RegExp, string])[] = [
  [/^APIG1$|^APIG6$/, 'logs need a role in the settings of the account: ApiLogging switches them on'],
  [/^APIG2$/, 'the function checks every request, with messages that say what is wrong'],
  [/^APIG3$/, 'a web ACL costs per month and is a choice of the account; one can be attached to the stage'],
  [
    /^APIG4$|^COG4$/,
    'every method asks for the API key, as the AWS sample does; there are no users to sign in',
  ],
  [
    /^IAM5\[Resource::<Bucket\.Arn>\/(chunks|data|manifest|result|result\/large)\/\*\]$/,
    'keys are made as work comes',
  ],
  [
    /^IAM5\[Resource::.*:transform-job\/batchml-.*-\*\]$/,
    "this stack's transform jobs are made as work comes",
  ],
  [/^IAM5\[Resource::.*:log-group:\/aws\/sagemaker\/TransformJobs:/, 'streams are named by transform jobs'],
  [/^S1$/, 'server access logs need another bucket; CloudTrail has data events where they are wanted'],
  [/^SQS3$/, 'it is the dead-letter queue of the stream, which the check does not see'],
];

/** cfn-lint: by the rule's ID. */
const IGNORED: Readonly<Record<string, string>> = {};

interface LintFinding {
  readonly Rule: { readonly Id: string };
  readonly Message: string;
  readonly Location: { readonly Path: readonly unknown[] | null };
}

describe('cdk-nag', () => {
  it('finds only what is accepted', () => {
    const stack = makeStack({ handlers: ZIPS });
    const { violations } = new AwsSolutionsChecks(stack).validateScope(stack);
    const found = violations.map(({ ruleName }) => ruleName.replace('AwsSolutions-', ''));
    const reasonOf = (rule: string) => ACCEPTED.find(([pattern]) => pattern.test(rule));
    expect(found.filter((rule) => reasonOf(rule) === undefined)).toEqual([]);
    // No reason is out of date.
    expect(ACCEPTED.filter(([pattern]) => !found.some((rule) => pattern.test(rule)))).toEqual([]);
  });
});

const installed = spawnSync('cfn-lint', ['--version']).status === 0;
const required = process.env['CI'] !== undefined;

describe('cfn-lint', () => {
  it.skipIf(!installed && !required)(`finds nothing${installed ? '' : ' (it is not installed)'}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'batchml-lint-'));
    try {
      const file = join(folder, 'template.json');
      writeFileSync(file, TEXT);
      const { stdout, stderr, error } = spawnSync('cfn-lint', ['--format', 'json', '--template', file], {
        encoding: 'utf8',
      });
      expect(error).toBeUndefined();
      expect(stderr).toBe('');
      const findings = (JSON.parse(stdout) as LintFinding[]).filter(({ Rule }) => !(Rule.Id in IGNORED));
      expect(findings.map(({ Rule, Message, Location }) => [Rule.Id, Message, Location.Path])).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
