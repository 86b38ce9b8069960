// The turns of bench/single-jobs.mjs, which starts it: what it measured goes to its parent.
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const { parts, endpoint, runs, jobs, atOnce } = JSON.parse(process.argv[2]);
const {
  apiEvent,
  CreateQueueCommand,
  CreateStreamCommand,
  CreateTableCommand,
  create,
  createClients,
  createRuntime,
  createTable,
  DescribeStreamSummaryCommand,
  DynamoDBClient,
  KinesisClient,
  NodeHttpHandler,
  PurgeQueueCommand,
  PutItemCommand,
  PutRecordCommand,
  readConfig,
} = await import(pathToFileURL(parts).href);

const where = {
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
};
const name = `bench-${randomUUID()}`;
const names = { table: name, sampleTable: `${name}-sample`, stream: name, sampleStream: `${name}-sample` };
const record = '{"text":"it was the best of times, it was the worst of times","source":"bench"}';
const BLOCK = 50;
/** Requests by what they were, as they leave. */
let requests = {};

const far = await makeFarSide();
const contenders = {
  batchml: batchml(''),
  batchmlWithStream: batchml(names.stream),
  sample: sample(false),
  sampleKeepingClients: sample(true),
};
const turns = Object.fromEntries(Object.keys(contenders).map((contender) => [contender, []]));
// One turn first that doesn't count, then all in turn: a machine that slows down slows down all of them.
for (let turn = 0; turn <= runs; turn++)
  for (const [contender, post] of Object.entries(contenders)) {
    const measured = await measure(post);
    if (turn > 0) turns[contender].push(measured);
  }
process.send(turns, () => process.exit(0));

/**
 * In blocks, between which the clock stands still and the queue is emptied, as the pollers of Lambda keep it: the moto server
 * counts all messages of a queue whenever it takes one, so a full queue is slow there, and only there.
 */
async function measure(post) {
  requests = {};
  let [seconds, cpuSeconds] = [0, 0];
  for (let done = 0; done < jobs; done += BLOCK) {
    await far.sqs.send(new PurgeQueueCommand({ QueueUrl: far.urls.BATCHML_GATHER_QUEUE }));
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    let left = Math.min(BLOCK, jobs - done);
    const worker = async () => {
      while (left-- > 0) await post();
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    const { user, system } = process.cpuUsage(cpu);
    seconds += (performance.now() - start) / 1000;
    cpuSeconds += (user + system) / 1e6;
  }
  return { seconds, cpuSeconds, requests };
}

/** The api function as Lambda runs it, kept between requests. */
function batchml(stream) {
  const clients = createClients(where);
  for (const client of Object.values(clients)) counted(client);
  const config = readConfig(
    {
      BATCHML_STACK: 'bench',
      BATCHML_TABLE: names.table,
      BATCHML_BUCKET: name,
      BATCHML_STREAM: stream,
      BATCHML_NAME_PREFIX: 'bench',
      BATCHML_MODEL: 'bench',
      ...far.urls,
    },
    true,
  );
  const handler = create(createRuntime(config, { clients }));
  const context = { awsRequestId: randomUUID(), getRemainingTimeInMillis: () => 30_000 };
  const url = new URL('https://bench.execute-api.us-east-1.amazonaws.com/job');
  return async () => {
    const { statusCode, body } = await handler(
      apiEvent('POST', url, {}, Buffer.from(record), Date.now()),
      context,
    );
    if (statusCode !== 200 || !JSON.parse(body).job_id) throw new Error(`POST /job: ${statusCode} ${body}`);
  };
}

/** The calls that the AWS sample's function makes for one job. It makes its clients anew for each, as `kept` does not. */
function sample(kept) {
  const make = () => {
    const requestHandler = new NodeHttpHandler();
    const clients = [DynamoDBClient, KinesisClient].map((Client) =>
      counted(new Client({ ...where, requestHandler })),
    );
    return { clients, requestHandler };
  };
  const known = kept ? make() : undefined;
  return async () => {
    const { clients, requestHandler } = known ?? make();
    const [dynamo, kinesis] = clients;
    const jobId = randomUUID();
    const Item = {
      jobId: { S: jobId },
      status: { S: 'Queued' },
      arrivalTime: { S: new Date().toISOString() },
    };
    await dynamo.send(new PutItemCommand({ TableName: names.sampleTable, Item }));
    await kinesis.send(
      new PutRecordCommand({
        StreamName: names.sampleStream,
        Data: Buffer.from(JSON.stringify({ jobId, record })),
        PartitionKey: jobId,
      }),
    );
    if (!kept) requestHandler.destroy();
  };
}

function counted(client) {
  const count = (next, { clientName, commandName }) => {
    const what = `${clientName.replace('Client', '')} ${commandName.replace('Command', '')}`;
    return (args) => {
      requests[what] = (requests[what] ?? 0) + 1;
      return next(args);
    };
  };
  client.middlewareStack.add(count, { step: 'finalizeRequest', priority: 'low', name: 'count' });
  return client;
}

/** Tables, streams and queues; what the function's environment says of the queues. */
async function makeFarSide() {
  const { dynamo, kinesis, sqs } = createClients(where);
  await createTable(dynamo, names.table);
  await dynamo.send(
    new CreateTableCommand({
      TableName: names.sampleTable,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'jobId', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'jobId', KeyType: 'HASH' }],
    }),
  );
  for (const StreamName of [names.stream, names.sampleStream]) {
    await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
    for (let status = ''; status !== 'ACTIVE'; ) {
      const { StreamDescriptionSummary } = await kinesis.send(
        new DescribeStreamSummaryCommand({ StreamName }),
      );
      status = StreamDescriptionSummary.StreamStatus;
    }
  }
  const urls = {};
  for (const queue of ['gather', 'start', 'results', 'settle']) {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: `${name}-${queue}` }));
    urls[`BATCHML_${queue.toUpperCase()}_QUEUE`] = QueueUrl;
  }
  return { sqs, urls };
}
