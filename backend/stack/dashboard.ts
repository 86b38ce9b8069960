/** A dashboard: the jobs' way from left to right, and what may stand in it. */
import { Aws, Fn, type Stack } from 'aws-cdk-lib';
import { CfnDashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import type { Choices } from './conditions.ts';
import { HANDLERS, type Handler } from './functions.ts';
import { type Metric, ofApi, ofFunction, ofQueue, own } from './metrics.ts';
import { QUEUE_NAMES, type Queues } from './queues.ts';

type Statistic = 'Sum' | 'Maximum' | 'Average';
type Line = readonly [metric: Metric, label: string, statistic: Statistic];
type Graph = readonly [title: string, lines: readonly Line[]];

/** The grid of a dashboard is 24 wide. */
const WIDTH = 12;
const HEIGHT = 6;

export function addDashboard(
  stack: Stack,
  functions: Readonly<Record<Handler, CfnFunction>>,
  queues: Queues,
  choices: Choices,
): void {
  const perFunction = (name: 'Errors' | 'Duration', statistic: Statistic) =>
    HANDLERS.map((handler): Line => [ofFunction(functions[handler].ref, name), handler, statistic]);
  const lettersIn = (name: string, { attrQueueName }: CfnQueue): Line => [
    ofQueue(attrQueueName, 'ApproximateNumberOfMessagesVisible'),
    name.toLowerCase(),
    'Maximum',
  ];
  const graphs: readonly Graph[] = [
    [
      'Jobs',
      [
        [own('JobsAccepted'), 'accepted', 'Sum'],
        [own('JobsProcessed'), 'processed', 'Sum'],
        [own('JobsFailed'), 'failed', 'Sum'],
      ],
    ],
    ['Age of the oldest waiting job (s)', [[own('OldestWaitingJobSeconds'), 'oldest', 'Maximum']]],
    [
      'Transform jobs',
      [
        [own('TransformJobsStarted'), 'started', 'Sum'],
        [own('SplitRounds'), 'batches split', 'Sum'],
      ],
    ],
    [
      'API',
      [
        [ofApi('Count'), 'requests', 'Sum'],
        [ofApi('4XXError'), '4xx', 'Sum'],
        [ofApi('5XXError'), '5xx', 'Sum'],
      ],
    ],
    ['API latency (ms)', [[ofApi('Latency'), 'average', 'Average']]],
    ['Function errors', perFunction('Errors', 'Sum')],
    ['Function duration (ms)', perFunction('Duration', 'Maximum')],
    [
      'Age of the oldest bell (s)',
      QUEUE_NAMES.map((name): Line => {
        const { attrQueueName } = queues[name].queue;
        return [ofQueue(attrQueueName, 'ApproximateAgeOfOldestMessage'), name.toLowerCase(), 'Maximum'];
      }),
    ],
    ['Dead letters', QUEUE_NAMES.map((name) => lettersIn(name, queues[name].deadLetters))],
  ];
  const ofStream: readonly Graph[] = [
    ['Stream: iterator age (ms)', [[ofFunction(functions.gather.ref, 'IteratorAge'), 'gather', 'Maximum']]],
    ['Stream: dead letters', [lettersIn('stream', queues.streamDeadLetters)]],
  ];
  const bodies = [...graphs, ...ofStream].map(([title, lines], at) =>
    stack.toJsonString(widget(title, lines, at)),
  );
  const [always, withStream] = [bodies.slice(0, graphs.length), bodies.slice(graphs.length)];
  const joined = (widgets: readonly string[]) => Fn.join(',', [...widgets]);
  new CfnDashboard(stack, 'Dashboard', {
    dashboardBody: Fn.join('', [
      '{"widgets":[',
      joined(always),
      Fn.conditionIf(choices.stream.logicalId, Fn.join('', [',', joined(withStream)]), '').toString(),
      ']}',
    ]),
  });
}

function widget(title: string, lines: readonly Line[], at: number): object {
  return {
    type: 'metric',
    x: (at % 2) * WIDTH,
    y: Math.floor(at / 2) * HEIGHT,
    width: WIDTH,
    height: HEIGHT,
    properties: {
      title,
      region: Aws.REGION,
      view: 'timeSeries',
      period: 300,
      metrics: lines.map(([{ namespace, name, dimensions }, label, stat]) => [
        namespace,
        name,
        ...Object.entries(dimensions).flat(),
        { label, stat },
      ]),
    },
  };
}
