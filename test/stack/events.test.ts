import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../backend/aws/events.ts';
import { finishedNotice, NOTICE_SOURCE, NOTICE_TYPE } from '../../backend/aws/notices.ts';
import type { Submission } from '../../backend/core/submission.ts';
import { COUNTS, type CountName, OLDEST_WAITING } from '../../backend/handlers/meter.ts';
import { instantiate } from './instantiate.ts';
import { type Any, ofType, propertiesOf } from './template.ts';

const rule = (id: string, given: Record<string, string> = {}) => instantiate(given).of(id);

const COUNTERS = { total: 10, started: 10, processed: 7, failed: 2, cancelled: 1, retried: 0 };

describe('rules', () => {
  it("hears the ends of this stack's transform jobs", () => {
    expect(rule('TransformEndedRule')).toMatchObject({
      State: 'ENABLED',
      EventPattern: {
        source: ['aws.sagemaker'],
        'detail-type': ['SageMaker Transform Job State Change'],
        detail: {
          TransformJobName: [{ prefix: 'batchml-5f0c3a1e-' }],
          TransformJobStatus: ['Completed', 'Failed', 'Stopped'],
        },
      },
      Targets: [{ Arn: '<SettleQueue.Arn>', DeadLetterConfig: { Arn: '<SettleDeadLetters.Arn>' } }],
    });
  });

  it.each([
    ['minute', 'rate(1 minute)'],
    ['hour', 'cron(0 * * * ? *)'],
    ['day', 'cron(0 0 * * ? *)'],
    ['month', 'cron(0 0 1 * ? *)'],
    ['year', 'cron(0 0 1 1 ? *)'],
  ])('rings the schedule every %s', (ScheduleRate, expression) => {
    const scheduled = rule('ScheduleRule', { TriggerType: 'schedule', ScheduleRate });
    expect(scheduled).toMatchObject({
      State: 'ENABLED',
      ScheduleExpression: expression,
      Targets: [{ Arn: '<StartQueue.Arn>' }],
    });
    expect(parseMessage(scheduled.Targets[0].Input, 'batchml-5f0c3a1e')).toEqual([{ kind: 'schedule' }]);
    expect(rule('ScheduleRule', { ScheduleRate }).State).toBe('DISABLED');
  });

  it('reconciles every minute, and leaves a failed one to the next', () => {
    expect(rule('ReconcileRule')).toMatchObject({
      State: 'ENABLED',
      ScheduleExpression: 'rate(1 minute)',
      Targets: [{ Arn: '<ReconcileFunction.Arn>', RetryPolicy: { MaximumRetryAttempts: 0 } }],
    });
    expect(rule('ReconcileInvocations')).toMatchObject({ MaximumRetryAttempts: 0 });
    expect(rule('ReconcileMayBeInvoked')).toMatchObject({
      Principal: 'events.amazonaws.com',
      SourceArn: '<ReconcileRule.Arn>',
    });
  });

  it('sends notices of this stack to whom they are wanted by', () => {
    const given = { NoticeEmail: 'me@example.org' };
    expect(rule('NoticeRule').State).toBe('DISABLED');
    expect(() => rule('NoticeSubscription')).toThrow('there is no');
    expect(rule('NoticeRule', given)).toMatchObject({
      State: 'ENABLED',
      EventPattern: {
        source: [NOTICE_SOURCE],
        'detail-type': [NOTICE_TYPE],
        detail: { stack: ['mine'] },
      },
      Targets: [{ Arn: '<NoticeTopic>' }],
    });
    expect(rule('NoticeSubscription', given)).toMatchObject({
      Protocol: 'email',
      Endpoint: 'me@example.org',
    });
  });

  it('tells of a finished submission in a sentence', () => {
    const submission = { id: 's1', name: undefined, generation: 0, counters: COUNTERS };
    const detail = finishedNotice(submission as unknown as Submission, 'mine', 0);
    const { InputPathsMap, InputTemplate } = rule('NoticeRule').Targets[0].InputTransformer;
    const said = JSON.parse(
      InputTemplate.replace(/<(\w+)>/g, (_: string, name: string) =>
        InputPathsMap[name]
          .split('.')
          .slice(2)
          .reduce((at: Any, key: string) => at[key], detail),
      ),
    );
    expect(said).toBe('Submission s1 of mine is finished: 10 jobs, 7 processed, 2 failed, 1 cancelled.');
  });
});

describe('alarms', () => {
  const alarms = ofType('AWS::CloudWatch::Alarm');

  it('ring for dead letters, errors, a stream left behind, failed jobs and jobs that wait too long', () => {
    expect(alarms.map(([id]) => id)).toEqual([
      'GatherDeadLettersAlarm',
      'StartDeadLettersAlarm',
      'ResultsDeadLettersAlarm',
      'SettleDeadLettersAlarm',
      'ApiErrorsAlarm',
      'GatherErrorsAlarm',
      'StartErrorsAlarm',
      'FileResultsErrorsAlarm',
      'SettleErrorsAlarm',
      'ReconcileErrorsAlarm',
      'ApiServerErrorsAlarm',
      'FailedJobsAlarm',
      'OldestWaitingAlarm',
      // Where there is a stream.
      'StreamDeadLettersAlarm',
      'IteratorAgeAlarm',
    ]);
    const dead = ofType('AWS::SQS::Queue').filter(([id]) => id.endsWith('DeadLetters'));
    for (const [id] of dead)
      expect(propertiesOf(`${id}Alarm`).Dimensions).toEqual([
        { Name: 'QueueName', Value: { 'Fn::GetAtt': [id, 'QueueName'] } },
      ]);
    for (const [, { Properties }] of alarms)
      expect(Properties).toMatchObject({
        TreatMissingData: 'notBreaching',
        AlarmActions: [{ Ref: 'NoticeTopic' }],
      });
  });

  it('let a job wait for its schedule', () => {
    const hours = (given: Record<string, string>) =>
      instantiate(given).of('OldestWaitingAlarm').Threshold / 3600;
    expect(hours({})).toBe(4);
    expect(hours({ TriggerType: 'schedule', ScheduleRate: 'day' })).toBe(28);
  });
});

describe('metrics', () => {
  it('are looked for under the names that the functions give them', () => {
    const { DashboardBody } = instantiate().of('Dashboard');
    const shown: Any[] = JSON.parse(DashboardBody).widgets.flatMap(
      ({ properties }: Any) => properties.metrics,
    );
    const own = shown.filter(([namespace]) => namespace === 'batchml');
    expect(own.map(([, name]) => name).sort()).toEqual([...COUNTS, OLDEST_WAITING].sort());
    for (const [, , ...dimensions] of own) expect(dimensions.slice(0, -1)).toEqual(['stack', 'mine']);
    for (const [id, name] of [
      ['FailedJobsAlarm', 'JobsFailed' satisfies CountName],
      ['OldestWaitingAlarm', OLDEST_WAITING],
    ] as const)
      expect(instantiate().of(id)).toMatchObject({
        Namespace: 'batchml',
        MetricName: name,
        Dimensions: [{ Name: 'stack', Value: 'mine' }],
      });
  });
});

describe('the dashboard', () => {
  it.each([
    ['0', 9],
    ['1', 11],
  ])('shows metrics in a grid without gaps, with %s shards in %i graphs', (JobStreamShardCount, graphs) => {
    const { DashboardBody } = instantiate({ JobStreamShardCount }).of('Dashboard') as Any;
    const { widgets } = JSON.parse(DashboardBody);
    const places = widgets.map(({ x, y }: Any) => [x, y]);
    expect(places).toEqual(Array.from({ length: graphs }, (_, i) => [(i % 2) * 12, Math.floor(i / 2) * 6]));
    const titles = widgets.map(({ properties }: Any) => properties.title).join();
    expect(titles.includes('Stream')).toBe(graphs > 9);
    for (const { properties } of widgets) {
      expect(properties.region).toBe('eu-west-1');
      for (const metric of properties.metrics) expect(metric.length).toBeGreaterThanOrEqual(5);
    }
  });
});
