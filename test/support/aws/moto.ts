/**
 * A moto server as the far side of AWS clients. One for a test file; each test takes a table and a
 * bucket of its own. Where moto is not installed the suites that need it say so and are skipped; with CI set they fail.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Moto, motoAvailable, START_MS, startMoto } from './moto-server.ts';

/** What AWS clients need to speak to it. */
export function motoConfig(endpoint: string) {
  return {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    // Its 500s are answers, not accidents.
    maxAttempts: 1,
  };
}

/** A client whose commands go one after the other, in the order in which they came. */
export function oneAtATime<T extends { send: (...args: never[]) => Promise<unknown> }>(
  client: T,
): Pick<T, 'send'> {
  let last: Promise<unknown> = Promise.resolve();
  const send = (...args: never[]) => {
    const sent = last.then(() => client.send(...args));
    last = sent.catch(() => undefined);
    return sent;
  };
  return { send } as Pick<T, 'send'>;
}

/**
 * A suite over a moto server, which `endpoint()` tells within its tests. Skipped where moto is missing, and says so;
 * with CI set it fails instead.
 */
export function describeMoto(name: string, fn: (endpoint: () => string) => void): void {
  if (!motoAvailable()) {
    if (process.env['CI'])
      it(`${name}: needs a moto server`, () => {
        throw new Error('moto is not installed (pip install "moto[server]"), and CI is set');
      });
    else describe.skip(`${name} (skipped: moto is not installed)`, () => it('needs a moto server', () => {}));
    return;
  }
  describe(name, () => {
    let moto: Moto | undefined;
    beforeAll(async () => {
      moto = await startMoto();
    }, START_MS + 5_000);
    afterAll(() => moto?.stop());
    fn(() => {
      if (!moto) throw new Error('the moto server runs within the tests only');
      return moto.endpoint;
    });
  });
}
