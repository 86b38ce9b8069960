/** The HTTP API: one app under API Gateway, on a socket, and in process. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { LinearRouter } from 'hono/router/linear-router';
import type { Pin } from '../core/settings.ts';
import type { Ports } from '../ports/index.ts';
import { toApiError } from './errors.ts';
import { jobRoutes } from './job-routes.ts';
import type { Presign } from './result-links.ts';
import { submissionRoutes } from './submission-routes.ts';

export interface ApiOptions {
  readonly ports: Ports;
  /** What newly accepted work is pinned to. */
  readonly pin: Pin;
  /** The key that requests must carry; undefined where a gateway before this has checked it. */
  readonly apiKey: string | undefined;
  /** How results are addressed that are too large for an answer. @default streamed by `GET /job/{id}/result` */
  readonly presign?: Presign;
}

/** Makes the app. Without the right `x-api-key` every route answers as API Gateway does. */
export function createApi({ ports, pin, apiKey, presign }: ApiOptions): Hono {
  // An app is made for each request of a function: this router needs no preparation.
  const app = new Hono({ router: new LinearRouter() });
  app.use(async (c, next) => {
    if (apiKey !== undefined && !sameKey(c.req.header('x-api-key'), apiKey))
      return c.json({ message: 'Forbidden' }, 403);
    return next();
  });
  app.route('/', jobRoutes(ports, pin, presign));
  app.route('/submissions', submissionRoutes(ports, pin, presign));
  app.notFound((c) =>
    c.json({ error: { code: 'not_found', message: `no route ${c.req.method} ${c.req.path}` } }, 404),
  );
  app.onError((error, c) => {
    const { status, code, message } = toApiError(error);
    if (status === 503) c.header('Retry-After', '1');
    return c.json({ error: { code, message } }, status);
  });
  return app;
}

/** Compares in constant time, so that the time taken tells nothing of the key. */
function sameKey(given: string | undefined, key: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return given !== undefined && timingSafeEqual(digest(given), digest(key));
}
