// The trivial model that every contender talks to: one constant answer line for each line that it is sent.
import { createServer } from 'node:http';

const ANSWER = Buffer.from('{"label":"positive","score":0.97}\n');
const answers = new Map();

function answerOf(lines) {
  let body = answers.get(lines);
  if (!body) {
    body = Buffer.alloc(ANSWER.length * lines, ANSWER);
    answers.set(lines, body);
  }
  return body;
}

const server = createServer((request, response) => {
  if (request.url === '/ping') return response.end();
  if (request.method !== 'POST') {
    response.statusCode = 404;
    return response.end();
  }
  let lines = 0;
  let last = 10;
  request.on('data', (block) => {
    for (let at = block.indexOf(10); at >= 0; at = block.indexOf(10, at + 1)) lines++;
    last = block[block.length - 1];
  });
  request.on('end', () => {
    const body = answerOf(last === 10 ? lines : lines + 1);
    response.setHeader('content-length', body.length);
    response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
