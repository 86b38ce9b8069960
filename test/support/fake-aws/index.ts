/**
 * AWS as `batchml deploy` and `destroy` see it: one HTTP server on 127.0.0.1 that speaks the services' own protocols, for
 * the SDK's real clients. How it behaves:
 *
 * Requests. The service is the one that the signature names (`.../eu-west-1/cloudformation/aws4_request`); signatures
 * aren't checked. What comes unsigned below `/api/` is for the APIs of deployed stacks. `faults` is asked before each
 * request and may have it fail: `throttle`, `expired`, `denied`, `reset` (the connection breaks, nothing was done), `lost`
 * (it was done, then the connection breaks), `hang` (no answer), or an error of its own. `log` holds `service.Action` of
 * each request. Pages are small: 5 items, 10 of a change set's changes.
 *
 * Time. `clock` moves a second on with every event of a stack, and `skewMs` puts AWS's clock apart from this machine's.
 * Nothing happens by itself: each DescribeStacks of a stack that moves lets `pace` of its next events happen.
 *
 * CloudFormation. Change sets are pending when made and ready when asked for again; one that changes nothing is FAILED
 * with CloudFormation's words. Type CREATE makes a stack in REVIEW_IN_PROGRESS. Parameters are checked against the template
 * (allowed values, pattern, range, rules), a body over 51,200 bytes is refused, a TemplateURL is read from the S3 here;
 * IAM resources need CAPABILITY_IAM. Changes are told from the evaluated properties, replacements from a table of
 * properties (`template.ts`) and `forced`. Executing removes the other change sets. Resources are made, four at a time, in
 * the template's order; `fail(id, phase, reason)` makes one fail: then others that were begun end as "cancelled", and the
 * stack is rolled back, as CloudFormation does. Buckets, tables, keys and APIs really are there for the other services.
 * A bucket's name that is taken fails, code that isn't in its bucket fails. Deleting honours DeletionPolicy. A deleted
 * stack is found by its ARN only. Refused: updates of stacks in states that CloudFormation refuses, and of moving ones.
 *
 * S3. Buckets have owners; `x-amz-expected-bucket-owner` is obeyed, and requests without it are counted in
 * `s3.unguarded`. Every PUT makes a version. DeleteBucket refuses while there are versions.
 *
 * SageMaker, IAM, Service Quotas, API Gateway, DynamoDB, STS: what tests put in is what is told. StopTransformJob makes a
 * job Stopping, and Stopped once it was listed so.
 *
 * Not imitated: signatures, permissions, waiting, nested stacks, drift, tags, everything else.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiGateway } from './api-gateway.ts';
import { CloudFormation } from './cloudformation.ts';
import { DynamoDb } from './dynamo.ts';
import { answer, type Call, errorFor, type Reply, readCall } from './http.ts';
import { Iam } from './iam.ts';
import { Quotas } from './quotas.ts';
import { S3 } from './s3.ts';
import { SageMaker } from './sagemaker.ts';
import { sts } from './sts.ts';

export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';

export type Fault =
  | 'throttle'
  | 'expired'
  | 'denied'
  | 'reset'
  | 'lost'
  | 'hang'
  | { readonly status: number; readonly code: string; readonly message: string };

export class FakeAws {
  readonly clock = new Clock();
  readonly s3 = new S3(ACCOUNT);
  readonly sageMaker = new SageMaker();
  readonly iam = new Iam();
  readonly quotas = new Quotas();
  readonly apiGateway = new ApiGateway();
  readonly dynamo = new DynamoDb();
  readonly cloudFormation: CloudFormation;
  /** `service.Action` of each request. */
  readonly log: string[] = [];
  /** @param nth how often this action was asked for, from 1 */
  faults: (action: string, nth: number, call: Call) => Fault | undefined = () => undefined;
  /** Called when a request has been answered. */
  answered: (action: string, nth: number) => void = () => {};
  private readonly server: Server;
  private readonly counts = new Map<string, number>();

  constructor() {
    this.cloudFormation = new CloudFormation({
      account: ACCOUNT,
      region: REGION,
      clock: this.clock,
      s3: this.s3,
      dynamo: this.dynamo,
      apiGateway: this.apiGateway,
      endpointOf: (api) => `${this.endpoint}/api/${api}/v1`,
    });
    this.server = createServer((request, response) => {
      void readCall(request).then(async (call) => {
        const action = `${call.service}.${call.action}`;
        this.log.push(action);
        const nth = (this.counts.get(action) ?? 0) + 1;
        this.counts.set(action, nth);
        const fault = this.faults(action, nth, call);
        if (fault === 'hang') return;
        if (fault === 'reset') {
          request.socket.destroy();
          return;
        }
        const reply = fault === undefined || fault === 'lost' ? this.reply(call) : errorFor(call, fault);
        if (fault === 'lost') {
          request.socket.destroy();
          return;
        }
        answer(response, call, reply);
        this.answered(action, nth);
      });
    });
  }

  static async start(): Promise<FakeAws> {
    const aws = new FakeAws();
    await new Promise<void>((resolve) => aws.server.listen(0, '127.0.0.1', resolve));
    return aws;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** How often an action was asked for. */
  asked(action: string): number {
    return this.counts.get(action) ?? 0;
  }

  private reply(call: Call): Reply {
    const service = {
      cloudformation: () => this.cloudFormation.handle(call),
      s3: () => this.s3.handle(call),
      sagemaker: () => this.sageMaker.handle(call),
      iam: () => this.iam.handle(call),
      servicequotas: () => this.quotas.handle(call),
      apigateway: () => this.apiGateway.handle(call),
      dynamodb: () => this.dynamo.handle(call),
      sts: () => sts(call, ACCOUNT),
      api: () => this.apiGateway.serve(call),
    }[call.service];
    if (service === undefined) throw new Error(`the fake has no ${call.service}`);
    try {
      return service();
    } catch (error) {
      if (error instanceof ServiceError) return errorFor(call, error);
      // A fault of the double: said at once, not tried again.
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return errorFor(call, { status: 400, code: 'BrokenDouble', message });
    }
  }
}

import { Clock } from './clock.ts';
import { ServiceError } from './http.ts';
