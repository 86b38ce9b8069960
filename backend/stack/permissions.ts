/**
 * What each function's role may do: what its step of the pipeline asks of the ports, and no more. Two things hold for all:
 * each works through the ledger, so each reads and writes rows; and who reads objects may list their prefixes, as S3
 * answers 403 instead of 404 for a missing key to those who may not.
 */

import { objectsArn, type Prefix } from './bucket.ts';
import type { Choices } from './conditions.ts';
import type { Stores } from './environment.ts';
import type { Handler } from './functions.ts';
import { localArn, NAME_PREFIX } from './names.ts';
import { allow, type MaybeStatement, when } from './policy.ts';
import type { QueueName } from './queues.ts';

export function permissions(
  stores: Stores,
  choices: Choices,
): Readonly<Record<Handler, readonly MaybeStatement[]>> {
  const { table, bucket, stream, queues } = stores;

  const ledger = () => [
    allow(
      'Rows',
      [
        'dynamodb:BatchGetItem',
        'dynamodb:BatchWriteItem',
        'dynamodb:ConditionCheckItem',
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:Query',
        'dynamodb:UpdateItem',
      ],
      [table.attrArn],
    ),
    allow('OpenWork', ['dynamodb:Query'], [`${table.attrArn}/index/open`]),
  ];

  const objects = (sid: string, action: string, ...prefixes: Prefix[]) =>
    allow(
      sid,
      [action],
      prefixes.map((prefix) => objectsArn(bucket, prefix)),
    );
  const write = (...prefixes: Prefix[]) => objects('WriteObjects', 's3:PutObject', ...prefixes);
  const remove = (...prefixes: Prefix[]) => objects('RemoveObjects', 's3:DeleteObject', ...prefixes);
  const read = (...prefixes: Prefix[]) => [
    objects('ReadObjects', 's3:GetObject', ...prefixes),
    // IfExists: GetObject, which asks for it too, has no prefix.
    allow('ListObjects', ['s3:ListBucket'], [bucket.attrArn], {
      StringLikeIfExists: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) },
    }),
  ];

  const ring = (...names: QueueName[]) =>
    allow(
      'Ring',
      ['sqs:SendMessage'],
      names.map((name) => queues[name].queue.attrArn),
    );
  const hear = (name: QueueName) => [
    allow(
      'Hear',
      ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
      [queues[name].queue.attrArn],
    ),
    allow('DeadLetter', ['sqs:SendMessage'], [queues[name].deadLetters.attrArn]),
  ];

  // CreateTransformJob needs neither the model (it is named, not opened) nor iam:PassRole (the model has its role).
  const transformJobs = (...actions: string[]) =>
    allow(
      'TransformJobs',
      actions.map((action) => `sagemaker:${action}`),
      [localArn('sagemaker', `transform-job/${NAME_PREFIX}-*`)],
    );
  const create = ['AddTags', 'CreateTransformJob', 'DescribeTransformJob'];
  const logGroup = localArn('logs', 'log-group:/aws/sagemaker/TransformJobs');

  return {
    // Accepts chunks; a retry forms batches of failed jobs; large results are read for its answers.
    api: [
      ...ledger(),
      ...read('chunks/', 'result/'),
      write('chunks/', 'data/'),
      when(choices.stream, allow('RingStream', ['kinesis:PutRecords'], [stream.attrArn])),
      ring('Gather', 'Start', 'Settle'),
    ],
    gather: [
      ...ledger(),
      ...read('chunks/'),
      write('data/'),
      when(
        choices.stream,
        allow(
          'HearStream',
          [
            'kinesis:DescribeStream',
            'kinesis:DescribeStreamSummary',
            'kinesis:GetRecords',
            'kinesis:GetShardIterator',
            'kinesis:ListShards',
          ],
          [stream.attrArn],
        ),
      ),
      when(
        choices.stream,
        allow('StreamDeadLetter', ['sqs:SendMessage'], [queues.streamDeadLetters.attrArn]),
      ),
      ...hear('Gather'),
      ring('Gather', 'Start'),
    ],
    // Batches that are over before they are started lose their objects.
    start: [
      ...ledger(),
      write('manifest/'),
      remove('data/'),
      transformJobs(...create),
      ...hear('Start'),
      ring('Start', 'Settle'),
    ],
    'file-results': [
      ...ledger(),
      ...read('result/'),
      write('result/large/'),
      ...hear('Results'),
      ring('Settle'),
    ],
    // Repeats a lost create, stops what runs too long, reads outputs and the data log, writes the parts of split batches.
    settle: [
      ...ledger(),
      ...read('chunks/', 'result/'),
      write('data/', 'manifest/', 'result/large/'),
      remove('data/', 'manifest/'),
      transformJobs(...create, 'StopTransformJob'),
      allow('ListDataLog', ['logs:DescribeLogStreams'], [logGroup, `${logGroup}:*`]),
      allow('ReadDataLog', ['logs:GetLogEvents'], [`${logGroup}:log-stream:${NAME_PREFIX}-*`]),
      ...hear('Settle'),
      ring('Settle', 'Start'),
    ],
    reconcile: [
      ...ledger(),
      ring('Gather', 'Results', 'Settle', 'Start'),
      allow('Announce', ['events:PutEvents'], [localArn('events', 'event-bus/default')]),
    ],
  };
}
