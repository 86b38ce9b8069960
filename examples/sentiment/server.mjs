// A small sentiment model behind SageMaker's container contract: GET /ping, GET /execution-parameters and
// POST /invocations, which takes one record (application/json) or one record a line (application/jsonlines).
import { createServer } from 'node:http';
import model from 'wink-eng-lite-web-model';
import winkNLP from 'wink-nlp';

const nlp = winkNLP(model, ['sbd', 'negation', 'sentiment']);
const port = Number(process.env.SAGEMAKER_BIND_TO_PORT || process.env.PORT || 8080);

const httpError = (status, message) => Object.assign(new Error(message), { status });

/** `{"text": "..."}` -> `{"sentiment": "positive", "score": 0.2}`, the score from -1 to 1. */
function predict(json) {
  let record;
  try {
    record = JSON.parse(json);
  } catch (error) {
    throw httpError(400, `not JSON: ${error.message}`);
  }
  if (typeof record?.text !== 'string') throw httpError(400, '"text" must be a string');
  const score = Number(nlp.readDoc(record.text).out(nlp.its.sentiment).toFixed(3));
  const sentiment = score > 0 ? 'positive' : score < 0 ? 'negative' : 'neutral';
  return JSON.stringify({ sentiment, score });
}

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

/** The answer to a request, as [content type, body]. A record that can't be scored fails its whole request. */
async function answer(request) {
  const body = await read(request);
  switch (`${request.method} ${request.url}`) {
    case 'GET /ping':
      return ['text/plain', ''];
    case 'GET /execution-parameters': {
      const parameters = { MaxConcurrentTransforms: 1, BatchStrategy: 'MULTI_RECORD', MaxPayloadInMB: 6 };
      return ['application/json', JSON.stringify(parameters)];
    }
    case 'POST /invocations': {
      const type = request.headers['content-type']?.split(';')[0];
      if (type === 'application/json') return [type, predict(body)];
      if (type !== 'application/jsonlines') throw httpError(415, `can't read ${type}`);
      const lines = body.split('\n').filter((line) => line.trim() !== '');
      return [type, lines.map((line) => `${predict(line)}\n`).join('')];
    }
  }
  throw httpError(404, `no such route: ${request.method} ${request.url}`);
}

const server = createServer((request, response) => {
  const send = (status, type, body) => response.writeHead(status, { 'content-type': type }).end(body);
  answer(request).then(
    ([type, body]) => send(200, type, body),
    (error) => send(error.status ?? 500, 'application/json', JSON.stringify({ message: error.message })),
  );
});
server.listen(port, '127.0.0.1');
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.close());
