/** Connections to model servers. */
import { Agent } from 'undici';

/**
 * A keep-alive agent of at most `connections` to a server. A connection idle for 1 s is dropped: reusing one that the
 * server is just closing looks like a disconnect, and servers close idle ones after 2 s (gunicorn) or 5 s (uvicorn,
 * Node). undici's own time limits are off, as each request has one for the whole of it.
 */
export function modelAgent(connections: number): Agent {
  return new Agent({
    connections,
    keepAliveTimeout: 1000,
    keepAliveMaxTimeout: 1000,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 10_000 },
  });
}
