/**
 * A process of its own that takes one object through a model server and reads its output as filing does: `node FILE URL
 * RECORDS`. Prints how many results there were and the most memory it took, in MB.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Batch } from '../../backend/core/batch.ts';
import { formatInputLine } from '../../backend/core/object-lines.ts';
import { DEFAULT_SETTINGS } from '../../backend/core/settings.ts';
import { LocalTransforms } from '../../backend/local/transform/local-transforms.ts';
import { ModelHost } from '../../backend/local/transform/model-host.ts';
import { systemClock } from '../../backend/local/transform/time.ts';
import { readWhole } from '../../backend/pipeline/file-results.ts';

const [url = '', count = ''] = process.argv.slice(2);
const jobs = Number(count);
const root = mkdtempSync(join(tmpdir(), 'batchml-memory-'));
const lines = Array.from({ length: jobs }, (_, i) =>
  formatInputLine('application/jsonlines', `s.0.${i}`, `${i}`),
);
const settings = {
  ...DEFAULT_SETTINGS,
  contentType: 'application/jsonlines',
  batchStrategy: 'MultiRecord',
} as const;
const pin = { model: url, settings };
const host = new ModelHost({ logDir: root, env: {}, clock: systemClock, onEvent: () => undefined });
await new Promise<void>((resolve) => {
  const transforms = new LocalTransforms({
    root,
    host,
    pingTimeoutMs: 60_000,
    readBatch: async () => `${lines.join('\n')}\n`,
    onOutput: () => undefined,
    onEnd: async (name) => {
      const members = [{ submission: 's', chunk: 0, from: 0, to: jobs }];
      const output = await transforms.readOutput(name, 'b');
      let filed = 0;
      for await (const part of (await readWhole({ members, pin } as unknown as Batch, output)) ?? [])
        filed += part.length;
      const memoryMb = process.resourceUsage().maxRSS / 1024;
      process.stdout.write(JSON.stringify({ filed, memoryMb }));
      resolve();
    },
  });
  void transforms.create({ name: 'job', batches: ['b'], pin });
});
await host.close();
rmSync(root, { recursive: true });
