import { createAdaptorServer, type ServerType } from '@hono/node-server';
import type { Hono } from 'hono';

/** The port is taken. */
export class PortInUseError extends Error {
  readonly code = 'PORT_IN_USE';
  constructor(port: number) {
    super(`port ${port} on 127.0.0.1 is in use by another process`);
  }
}

export interface Listener {
  readonly url: string;
  close(): Promise<void>;
}

/** How long requests under way are waited for when the listener closes, in ms. */
const GRACE_MS = 2000;

/**
 * Serves an app on 127.0.0.1.
 * @param port 0 takes a free one
 * @throws PortInUseError
 */
export function listen(app: Hono, port: number): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createAdaptorServer({ fetch: app.fetch }) as ServerType & {
      closeIdleConnections?: () => void;
      closeAllConnections?: () => void;
    };
    server.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new PortInUseError(port) : error),
    );
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const taken = typeof address === 'object' && address ? address.port : port;
      resolve({
        url: `http://127.0.0.1:${taken}`,
        close: () =>
          new Promise((done) => {
            // Requests under way are answered, but nobody is waited for who doesn't go on with his.
            const cut = setTimeout(() => server.closeAllConnections?.(), GRACE_MS);
            server.close(() => {
              clearTimeout(cut);
              done();
            });
            server.closeIdleConnections?.();
          }),
      });
    });
  });
}
