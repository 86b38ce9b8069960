/**
 * The stack: the pipeline's cloud side, as one CloudFormation template with parameters.
 *
 * Written with the level-1 constructs of the CDK: parameters stand where its higher ones want values, each permission is
 * to be seen, and a construct's name at the top of a stack is its logical ID, so that no ID ever changes by itself.
 */
import { CfnOutput, Fn, type IStackSynthesizer, LegacyStackSynthesizer, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ROUTES } from '../api/routes.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import { addAlarms } from './alarms.ts';
import { addApiStage } from './api-stage.ts';
import { addBucket, addBucketPolicy } from './bucket.ts';
import { addChoices } from './conditions.ts';
import { addDashboard } from './dashboard.ts';
import { commonVariables, deadLettersVariable, pinVariables, type Stores } from './environment.ts';
import { addQueueSource, addStreamSource } from './event-sources.ts';
import { addFunction, type Handler, SHAPES } from './functions.ts';
import { addTopic } from './notices.ts';
import { addParameters } from './parameters.ts';
import { permissions } from './permissions.ts';
import { addQueuePolicies } from './queue-policies.ts';
import { addQueues, QUEUE_NAMES, type QueueName } from './queues.ts';
import { addRestApi } from './rest-api.ts';
import { addRules } from './rules.ts';
import { addStream, addTable } from './storage.ts';

/** Who answers each queue. */
const ANSWERERS = {
  Gather: 'gather',
  Start: 'start',
  Results: 'file-results',
  Settle: 'settle',
} as const satisfies Record<QueueName, Handler>;

export interface BatchmlStackProps {
  /** Names of the functions' zip files; their content's hash is in them, so that new code is another name. */
  readonly handlers: Readonly<Record<Handler, string>>;
}

export class BatchmlStack extends Stack {
  constructor(scope: Construct, id: string, { handlers }: BatchmlStackProps) {
    super(scope, id, {
      description: 'batchml: a model over many records, one record at a time accounted for',
      // Neither assets nor a bootstrap version: `batchml deploy` uploads the zip files.
      synthesizer: new LegacyStackSynthesizer() as IStackSynthesizer,
      analyticsReporting: false,
    });
    const parameters = addParameters(this);
    const choices = addChoices(this, parameters);

    const timeout = (name: QueueName) => SHAPES[ANSWERERS[name]].timeout;
    const queues = addQueues(this, {
      Gather: timeout('Gather'),
      Start: timeout('Start'),
      Results: timeout('Results'),
      Settle: timeout('Settle'),
    });
    const bucket = addBucket(this, choices, queues.Results.queue);
    addBucketPolicy(this, bucket, parameters, choices);
    const table = addTable(this);
    const stream = addStream(this, parameters, choices);
    const stores: Stores = { table, bucket, stream, queues };

    const granted = permissions(stores, choices);
    const add = (handler: Handler, more: Readonly<Record<string, string>> = {}) => {
      const variables = { ...commonVariables(stores, choices), ...more };
      return addFunction(this, handler, { zips: handlers, parameters, choices }, variables, granted[handler]);
    };
    const functions = {
      api: add('api', pinVariables()),
      gather: add('gather', deadLettersVariable(stores, 'Gather')),
      start: add('start', deadLettersVariable(stores, 'Start')),
      'file-results': add('file-results', deadLettersVariable(stores, 'Results')),
      settle: add('settle', deadLettersVariable(stores, 'Settle')),
      reconcile: add('reconcile'),
    } satisfies Record<Handler, unknown>;
    addStreamSource(this, stream, functions.gather, queues, choices);
    for (const name of QUEUE_NAMES) addQueueSource(this, name, queues, functions[ANSWERERS[name]], choices);

    const topic = addTopic(this, parameters, choices);
    const rules = addRules(this, queues, functions.reconcile, topic, choices);
    bucket.addResourceDependency(addQueuePolicies(queues, rules));

    const api = addRestApi(
      this,
      functions.api,
      ROUTES.filter(({ local }) => !local),
    );
    const { key, endpoint } = addApiStage(this, api, choices);
    addAlarms(this, functions, queues, topic, choices);
    addDashboard(this, functions, queues, choices);

    const output = (name: string, value: string, description: string) =>
      new CfnOutput(this, name, { value, description });
    output('ApiEndpoint', endpoint, 'URL of the HTTP API');
    output(
      'ApiKeyId',
      key.ref,
      'ID of the API key; `aws apigateway get-api-key --include-value` tells its value',
    );
    output('JobTableName', table.ref, 'Table of jobs; stays when the stack is deleted');
    // An empty value is refused only of outputs that are exported.
    const streamName = Fn.conditionIf(choices.stream.logicalId, stream.ref, '').toString();
    output('JobStreamName', streamName, 'Stream of bells; empty where JobStreamShardCount is 0');
    output('S3BucketName', bucket.ref, 'Bucket of records and results; stays when the stack is deleted');
    const version = 'Of stored items and of messages; an update to another one wants no open work';
    output('SchemaVersion', String(SCHEMA_VERSION), version);
  }
}
