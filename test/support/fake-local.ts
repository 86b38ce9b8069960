/**
 * A local pipeline over the fake API. `prepare`, `start`, `listen` and `close` are noted in `calls`; one data folder is
 * open once at a time, as with the real one. Only submissions that were started are worked on.
 */
import type { LocalOptions, LocalPipeline } from '@batchml/backend/local';
import type { FakeApi } from './fake-api.ts';

export class FakeLocal {
  readonly api: FakeApi;
  readonly calls: string[] = [];
  options: LocalOptions | undefined;
  prepareError: Error | undefined;
  listenError: Error | undefined;
  /** Called while the model is asked what it takes. */
  preparing: () => void = () => {};
  /** Called each time somebody waits for news. */
  onNews: () => void = () => {};
  private inUse = false;

  constructor(api: FakeApi) {
    this.api = api;
  }

  readonly open = async (options: LocalOptions): Promise<LocalPipeline> => {
    if (this.inUse)
      throw Object.assign(
        new Error(`the data folder ${options.dataDir} is in use by process 7 (batchml local)`),
        {
          code: 'DATA_DIR_IN_USE',
        },
      );
    this.inUse = true;
    this.options = options;
    this.api.key = options.apiKey;
    this.api.pin = options.pin;
    this.calls.push('open');
    return {
      fetch: this.api.fetch,
      prepare: async (sample) => {
        this.calls.push(`prepare ${sample.length}`);
        if (this.prepareError) throw this.prepareError;
        options.onEvent?.({ type: 'model-ready', model: options.pin.model, waitedMs: 20 });
        this.preparing();
      },
      start: async (submission) => {
        this.calls.push(`start ${submission ?? 'all'}`);
      },
      listen: async (port) => {
        if (this.listenError) throw this.listenError;
        this.calls.push(`listen ${port}`);
        return `http://127.0.0.1:${port || 40_000}`;
      },
      news: async () => {
        this.onNews();
        await new Promise((resolve) => setImmediate(resolve));
      },
      close: async () => {
        this.calls.push('close');
        this.inUse = false;
      },
    };
  };
}
