/** The Lambda functions: each with a log group and a role of its own. */
import { Aws, Fn, type Stack } from 'aws-cdk-lib';
import { CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import type { Choices } from './conditions.ts';
import type { Parameters } from './parameters.ts';
import { allow, type MaybeStatement, policy, TRUST_LAMBDA, when } from './policy.ts';

export const HANDLERS = ['api', 'gather', 'start', 'file-results', 'settle', 'reconcile'] as const;
export type Handler = (typeof HANDLERS)[number];

interface Shape {
  /** What the logical IDs begin with. */
  readonly id: string;
  readonly description: string;
  /** MB; 1769 is one whole CPU (Lambda, memory). */
  readonly memory: number;
  /** Seconds. */
  readonly timeout: number;
}

export const SHAPES: Readonly<Record<Handler, Shape>> = {
  // A chunk of 4 MiB arrives as base64 and is parsed while its sender waits; API Gateway waits for 29 s.
  api: { id: 'Api', description: 'batchml: HTTP API', memory: 1024, timeout: 29 },
  // Reads chunks and writes batches of up to 16 MiB, one after the other.
  gather: { id: 'Gather', description: 'batchml: chunks to batches', memory: 1769, timeout: 300 },
  // Small reads and writes, but hundreds of them for a page of batches.
  start: { id: 'Start', description: 'batchml: batches to transform jobs', memory: 512, timeout: 300 },
  // Holds a whole output object and its parsed results, then writes thousands of rows.
  'file-results': {
    id: 'FileResults',
    description: 'batchml: outputs to results',
    memory: 2048,
    timeout: 300,
  },
  // As file-results, for every batch of a transform job whose outputs nobody has filed yet.
  settle: { id: 'Settle', description: 'batchml: ends of transform jobs', memory: 2048, timeout: 900 },
  // Reads the index of open work. May overlap with the next minute's.
  reconcile: { id: 'Reconcile', description: 'batchml: rings for what is open', memory: 512, timeout: 120 },
};

export interface FunctionParts {
  /** Names of the zip files under AssetsPrefix. */
  readonly zips: Readonly<Record<Handler, string>>;
  readonly parameters: Parameters;
  readonly choices: Choices;
}

/** @param statements what its role may do beside writing its log and its traces */
export function addFunction(
  stack: Stack,
  handler: Handler,
  { zips, parameters, choices }: FunctionParts,
  variables: Readonly<Record<string, string>>,
  statements: readonly MaybeStatement[],
): CfnFunction {
  const { id, description, memory, timeout } = SHAPES[handler];
  const logs = addLogGroup(stack, `${id}Logs`, handler);
  const role = new CfnRole(stack, `${id}Role`, {
    description: `${description} (role)`,
    assumeRolePolicyDocument: policy([TRUST_LAMBDA]),
    policies: [
      {
        policyName: handler,
        policyDocument: policy([
          allow('WriteLog', ['logs:CreateLogStream', 'logs:PutLogEvents'], [logs.attrArn]),
          when(choices.tracing, traceStatement()),
          ...statements,
        ]),
      },
    ],
  });
  return new CfnFunction(stack, `${id}Function`, {
    description,
    runtime: 'nodejs24.x',
    architectures: ['arm64'],
    handler: 'index.handler',
    memorySize: memory,
    timeout,
    role: role.attrArn,
    code: {
      s3Bucket: parameters.AssetsBucket.valueAsString,
      s3Key: Fn.join('', [parameters.AssetsPrefix.valueAsString, zips[handler]]),
    },
    loggingConfig: { logGroup: logs.ref },
    tracingConfig: { mode: parameters.TracingMode.valueAsString },
    environment: { variables },
  });
}

/** X-Ray has no resources that a statement could name (Service Authorization Reference). */
const traceStatement = () => allow('Trace', ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], ['*']);

/** Goes with the stack, and at RetentionDays. Named, so that it is found. */
export function addLogGroup(stack: Stack, id: string, name: string): CfnLogGroup {
  return new CfnLogGroup(stack, id, {
    logGroupName: `/batchml/${Aws.STACK_NAME}/${name}`,
    retentionInDays: Fn.ref('RetentionDays') as unknown as number,
  });
}
