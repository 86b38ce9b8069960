import { it } from 'vitest';
import { run } from './every-call.ts';
it('one', async () => {
  const calls = await run(undefined, undefined);
  const t = performance.now();
  for (const fault of ['pause', 'die before', 'die after'] as const) {
    let bad = 0;
    for (const { n, service, command, by } of calls) {
      const start = performance.now();
      try { await run(n, fault); } catch (e) { bad++; if (bad < 25) process.stdout.write(`${fault} at ${n} ${by} ${service}.${command}: ${(e as Error).message.slice(0, 700)}\n`); }
      const took = performance.now() - start;
      if (took > 1000) process.stdout.write(`   slow ${fault} ${n} ${took}\n`);
    }
    process.stdout.write(`${fault} bad ${bad} ${performance.now() - t}\n`);
  }
}, 500_000);
