/**
 * What a thousand jobs cost on the way through the deployed pipeline, counted by the services of the tests, and dollars a million
 * jobs at AWS's published on-demand prices. Without SageMaker, whose instances are paid for by the second whatever sends the
 * work, and without what is paid for whether jobs come or not (`test/stack/idle-cost.test.ts`).
 */
import type { Cloud } from '../support/aws/cloud.ts';
import { BUCKET } from '../support/aws/services.ts';

/** Dollars, us-east-1, as published in November 2026. */
export const PRICES = {
  dated: '2026-11',
  region: 'us-east-1',
  dynamoWriteMillion: 0.625,
  dynamoReadMillion: 0.125,
  apiRequestMillion: 3.5,
  lambdaRequestMillion: 0.2,
  lambdaGBSecond: 0.0000133334,
  s3PutThousand: 0.005,
  s3GetThousand: 0.0004,
  sqsRequestMillion: 0.4,
} as const;

/** Memory of the functions in GB, as the stack sets it. */
const MEMORY_GB: Record<string, number> = {
  api: 1,
  gather: 1769 / 1024,
  start: 0.5,
  results: 2,
  settle: 2,
  reconcile: 0.5,
};
/** Assumed: an invocation's own work, and a call to AWS, in ms. Calls are counted as if none were at once: an upper bound. */
const INVOCATION_MS = 20;
const CALL_MS = 5;

export interface Counts {
  readonly jobs: number;
  readonly apiRequests: number;
  readonly invocations: number;
  /** Upper bound, by assumed times. */
  readonly lambdaGBSeconds: number;
  readonly tableWrites: number;
  readonly indexWrites: number;
  readonly reads: number;
  readonly storeRequests: number;
  readonly s3Puts: number;
  readonly s3Gets: number;
  readonly objectsLeft: number;
  readonly sqsRequests: number;
  readonly transformJobs: number;
}

const sum = (record: Readonly<Record<string, number>>, of: (name: string) => boolean = () => true) =>
  Object.entries(record).reduce((total, [name, n]) => (of(name) ? total + n : total), 0);

/** What a cloud has counted since it was opened; the test's own looking must not have begun. */
export function countsOf(cloud: Cloud, jobs: number): Counts {
  const { table, s3, sqs, sagemaker, invocations } = cloud;
  const gb = [...cloud.invoked].reduce(
    (total, [name, n]) => total + (MEMORY_GB[name] ?? 1) * n * INVOCATION_MS,
    0,
  );
  const callGB = invocations.calls.reduce((total, { by }) => total + (MEMORY_GB[by] ?? 1) * CALL_MS, 0);
  const receives = sqs.meter.calls['ReceiveMessage'] ?? 0;
  return {
    jobs,
    apiRequests: cloud.invoked.get('api') ?? 0,
    invocations: [...cloud.invoked.values()].reduce((total, n) => total + n, 0),
    lambdaGBSeconds: (gb + callGB) / 1000,
    tableWrites: table.meter.writes['table'] ?? 0,
    indexWrites: table.meter.writes['index'] ?? 0,
    reads: sum(table.meter.reads),
    storeRequests: sum(table.meter.calls),
    s3Puts: sum(s3.meter.calls, (name) => name === 'PutObject' || name === 'ListObjectsV2'),
    s3Gets: sum(s3.meter.calls, (name) => name === 'GetObject'),
    objectsLeft: s3.keys(BUCKET).length,
    // Lambda's pollers delete what was handled, one request for each that they received.
    sqsRequests: sum(sqs.meter.calls) + receives,
    transformJobs: sagemaker.created.length,
  };
}

/** The same of a thousand jobs. */
export function perThousand(counts: Counts): Counts {
  const scaled = Object.entries(counts).map(([name, n]) => [
    name,
    Math.round((n * 1e6) / counts.jobs) / 1000,
  ]);
  return { ...(Object.fromEntries(scaled) as unknown as Counts), jobs: 1000 };
}

/** Dollars a million jobs, by service. */
export function dollars(counts: Counts): Record<string, number> {
  const of = (n: number, price: number, per: number) => ((n * 1e6) / counts.jobs / per) * price;
  const byService = {
    dynamodb:
      of(counts.tableWrites + counts.indexWrites, PRICES.dynamoWriteMillion, 1e6) +
      of(counts.reads, PRICES.dynamoReadMillion, 1e6),
    apiGateway: of(counts.apiRequests, PRICES.apiRequestMillion, 1e6),
    lambda:
      of(counts.invocations, PRICES.lambdaRequestMillion, 1e6) +
      of(counts.lambdaGBSeconds, PRICES.lambdaGBSecond, 1),
    s3: of(counts.s3Puts, PRICES.s3PutThousand, 1000) + of(counts.s3Gets, PRICES.s3GetThousand, 1000),
    sqs: of(counts.sqsRequests, PRICES.sqsRequestMillion, 1e6),
  };
  const rounded = Object.entries(byService).map(([name, n]) => [name, Math.round(n * 10_000) / 10_000]);
  const total = Object.values(byService).reduce((all, n) => all + n, 0);
  return { ...Object.fromEntries(rounded), total: Math.round(total * 100) / 100 };
}

/** Units written to table and index of items whose partition keys begin with these (`backend/ledger/keys.ts`). */
export function unitsWritten({ table }: Cloud, kinds: readonly string[]): number {
  return sum(table.meter.writesOf, (kind) => kinds.includes(kind));
}
