/** Model servers for tests: real HTTP on 127.0.0.1, by SageMaker's container contract. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Invocation {
  readonly body: string;
  /** Its lines, without the line break at the end. */
  readonly records: string[];
  readonly contentType: string;
  readonly accept: string;
  /** Which request to /invocations this is, from 0. */
  readonly index: number;
  readonly response: ServerResponse;
}

/** What to answer: text (200), a status with text, or undefined when the handler answers by itself. */
type Handled = string | { status: number; text: string; headers?: Record<string, string> } | undefined;

export interface ModelServerOptions {
  readonly invoke?: (invocation: Invocation) => Handled | Promise<Handled>;
  readonly ping?: () => number;
  /** Body of /execution-parameters; 404 when absent. */
  readonly parameters?: unknown;
  readonly port?: number;
  /** Path that it serves below. */
  readonly prefix?: string;
}

export interface ModelServer {
  readonly url: string;
  readonly port: number;
  readonly invocations: Invocation[];
  readonly pings: number;
  readonly mostInFlight: number;
  close(): Promise<void>;
}

/** Answers every record with `{"echo":RECORD}`. */
export function echo({ records }: Pick<Invocation, 'records'>): string {
  return records.map((record) => `{"echo":${record}}\n`).join('');
}

const open = new Set<ModelServer>();

export async function closeModelServers(): Promise<void> {
  await Promise.all([...open].map((server) => server.close()));
}

export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const { invoke = echo, ping = () => 200, prefix = '' } = options;
  const invocations: Invocation[] = [];
  let pings = 0;
  let inFlight = 0;
  let mostInFlight = 0;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { method, url, headers } = request;
    if (method === 'GET' && url === `${prefix}/ping`) {
      pings++;
      response.writeHead(ping()).end();
    } else if (method === 'GET' && url === `${prefix}/execution-parameters` && options.parameters) {
      const { parameters } = options;
      response.end(typeof parameters === 'string' ? parameters : JSON.stringify(parameters));
    } else if (method === 'POST' && url === `${prefix}/invocations`) {
      mostInFlight = Math.max(mostInFlight, ++inFlight);
      const invocation: Invocation = {
        body,
        records: body.replace(/\n$/, '').split('\n'),
        contentType: headers['content-type'] ?? '',
        accept: headers.accept ?? '',
        index: invocations.length,
        response,
      };
      invocations.push(invocation);
      const handled = await invoke(invocation);
      inFlight--;
      if (typeof handled === 'string') response.end(handled);
      else if (handled) response.writeHead(handled.status, handled.headers ?? {}).end(handled.text);
    } else response.writeHead(404).end();
  }

  const server: Server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const self: ModelServer = {
    url: `http://127.0.0.1:${port}${prefix}`,
    port,
    invocations,
    get pings() {
      return pings;
    },
    get mostInFlight() {
      return mostInFlight;
    },
    async close() {
      if (!open.delete(self)) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  open.add(self);
  return self;
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** A port of 127.0.0.1 where nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
