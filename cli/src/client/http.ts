/** HTTP over undici, loaded with the first request; connections are kept and reused. */
import type { Dispatcher } from 'undici';
import type { Fetch } from './client.ts';

/** Statuses whose answers have no body, by the standard. */
const BODILESS = new Set([204, 205, 304]);

export function createHttpFetch(): Fetch {
  let agent: Promise<Dispatcher> | undefined;
  return async (request, { stream = false } = {}) => {
    agent ??= import('./http-agent.ts').then(({ createAgent }) => createAgent());
    const url = new URL(request.url);
    const answer = await (await agent).request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method as Dispatcher.HttpMethod,
      headers: Object.fromEntries(request.headers),
      body: request.body === null ? null : new Uint8Array(await request.arrayBuffer()),
      signal: request.signal,
    });
    const headers = new Headers();
    for (const [name, value] of Object.entries(answer.headers))
      for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one);
    const body = stream ? ReadableStream.from<Uint8Array>(answer.body) : await answer.body.arrayBuffer();
    return new Response(BODILESS.has(answer.statusCode) ? null : body, {
      status: answer.statusCode,
      headers,
    });
  };
}
