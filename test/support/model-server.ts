/**
 * A model server for tests: speaks the container contract on 127.0.0.1, counts what it is sent, and misbehaves as told.
 * A record is any JSON; the answer for each is `{"echo": RECORD}`.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What a request gets instead of its answers. `hang`: nothing, ever. `half`: an answer cut off in a line. `crash`: every
 * request in flight loses its connection, as when the process dies and comes back.
 */
export type Misbehaviour =
  | { status: number; body: string }
  | 'hang'
  | 'close'
  | 'crash'
  | 'half'
  | 'too-few'
  | 'empty';

export interface ModelOptions {
  /** What is wrong with a request, by its records' texts; undefined: nothing. */
  readonly wrong?: (records: readonly string[], contentType: string) => Misbehaviour | undefined;
  /** Awaited before each answer. */
  readonly gate?: (request: number) => Promise<void>;
  readonly port?: number;
}

export interface ModelServer {
  readonly url: string;
  readonly port: number;
  /** How often each record (by its text) was sent. */
  readonly sent: ReadonlyMap<string, number>;
  /** `POST /invocations` so far. */
  readonly requests: () => number;
  close(): Promise<void>;
}

export async function startModel({ wrong, gate, port = 0 }: ModelOptions = {}): Promise<ModelServer> {
  const sent = new Map<string, number>();
  let requests = 0;
  const server = createServer((request, response) => {
    if (request.url === '/ping') {
      response.end();
      return;
    }
    if (request.url !== '/invocations') {
      response.writeHead(404).end();
      return;
    }
    const blocks: Buffer[] = [];
    request.on('data', (block: Buffer) => blocks.push(block));
    request.on('end', () => {
      const number = ++requests;
      const records = Buffer.concat(blocks).toString('utf8').replace(/\n$/, '').split('\n');
      for (const record of records) sent.set(record, (sent.get(record) ?? 0) + 1);
      const contentType = request.headers['content-type'] ?? '';
      const answer = () => {
        const misbehaviour = wrong?.(records, contentType);
        if (misbehaviour === 'crash') server.closeAllConnections();
        else reply(response, records, contentType, misbehaviour);
      };
      if (gate) gate(number).then(answer, () => response.destroy());
      else answer();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const taken = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${taken}`,
    port: taken,
    sent,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function reply(
  response: ServerResponse,
  records: readonly string[],
  contentType: string,
  misbehaviour: Exclude<Misbehaviour, 'crash'> | undefined,
): void {
  const csv = contentType === 'text/csv';
  const lines = records.map((record) =>
    csv ? `${record.split(',').length},"a, ""b""",0.5` : `{"echo":${record}}`,
  );
  const body = `${lines.join('\n')}\n`;
  if (misbehaviour === undefined) response.end(body);
  else if (misbehaviour === 'close') response.destroy();
  else if (misbehaviour === 'half') {
    response.writeHead(200, { 'content-length': Buffer.byteLength(body) });
    response.write(body.slice(0, Math.ceil(body.length / 2)), () => response.destroy());
  } else if (misbehaviour === 'too-few') response.end(`${lines.slice(1).join('\n')}\n`);
  else if (misbehaviour === 'empty') response.end();
  else if (misbehaviour !== 'hang') response.writeHead(misbehaviour.status).end(misbehaviour.body);
}
