import { describe, expect, it } from 'vitest';
import { manifestText, transformRequest } from '../../../backend/aws/transform-request.ts';
import { formatInputLine, parseOutputLine } from '../../../backend/core/object-lines.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../../backend/core/settings.ts';
import { requestProblem } from '../../support/aws/sagemaker/check-request.ts';
import { inputOf, outputOf } from '../../support/aws/sagemaker/data-processing.ts';

const NAME = 'batchml-0123456789abcdef0123456789abcdef';
const SERVICE_NAME = 'batchml-0a1b2c3d-0123456789abcdef0123456789abcdef';
const PLACE = { bucket: 'bucket', stack: 'mine' };
const CLOUD: Settings = {
  ...DEFAULT_SETTINGS,
  contentType: 'application/jsonlines',
  batchStrategy: 'MultiRecord',
};
const requestFor = (settings: Partial<Settings> = {}, alone?: boolean) => {
  const pin = { model: 'classifier', settings: { ...CLOUD, ...settings } };
  const spec = { name: NAME, batches: ['b-1', 'b-2'], pin, ...(alone === undefined ? {} : { alone }) };
  return transformRequest(PLACE, spec, SERVICE_NAME);
};

describe('the request for a transform job', () => {
  it('joins each result with the ID of its record', () => {
    expect(requestFor()).toEqual({
      TransformJobName: SERVICE_NAME,
      ModelName: 'classifier',
      BatchStrategy: 'MultiRecord',
      ModelClientConfig: { InvocationsTimeoutInSeconds: 600, InvocationsMaxRetries: 0 },
      TransformInput: {
        DataSource: {
          S3DataSource: { S3DataType: 'ManifestFile', S3Uri: `s3://bucket/manifest/${NAME}.json` },
        },
        ContentType: 'application/jsonlines',
        SplitType: 'Line',
      },
      TransformOutput: {
        S3OutputPath: `s3://bucket/result/${NAME}`,
        Accept: 'application/jsonlines',
        AssembleWith: 'Line',
      },
      TransformResources: { InstanceType: 'ml.m5.large', InstanceCount: 1 },
      DataProcessing: {
        InputFilter: '$.input',
        JoinSource: 'Input',
        OutputFilter: "$['id','SageMakerOutput']",
      },
      Tags: [{ Key: 'batchml:stack', Value: 'mine' }],
    });
  });

  it.each<[Partial<Settings>, object]>([
    [
      { maxPayloadMb: 25, maxConcurrentTransforms: 4 },
      { MaxPayloadInMB: 25, MaxConcurrentTransforms: 4 },
    ],
    [
      { maxPayloadMb: 25, maxConcurrentTransforms: 5 },
      { MaxPayloadInMB: 25, MaxConcurrentTransforms: 4 },
    ],
    [
      { maxPayloadMb: 100, maxConcurrentTransforms: 8 },
      { MaxPayloadInMB: 100, MaxConcurrentTransforms: 1 },
    ],
    [{ maxConcurrentTransforms: 40 }, { MaxConcurrentTransforms: 16 }],
    [{ maxPayloadMb: 50 }, { MaxPayloadInMB: 50 }],
    [{}, {}],
  ])('keeps within 100 MB in flight, and leaves out what is 0: %o', (settings, limits) => {
    const { MaxPayloadInMB, MaxConcurrentTransforms } = requestFor(settings);
    expect(JSON.parse(JSON.stringify({ MaxPayloadInMB, MaxConcurrentTransforms }))).toEqual(limits);
  });

  it('sends suspects one at a time, to one instance', () => {
    const request = requestFor({ maxConcurrentTransforms: 4, instanceCount: 5 }, true);
    expect(request).toMatchObject({
      MaxConcurrentTransforms: 1,
      BatchStrategy: 'SingleRecord',
      TransformResources: { InstanceCount: 1 },
    });
    expect(requestFor({ instanceCount: 5 }, false).TransformResources?.InstanceCount).toBe(5);
  });

  it.each(['application/jsonlines', 'application/json', 'text/csv'] as const)(
    'is one that SageMaker takes, and its data processing makes output lines: %s',
    (contentType) => {
      const request = requestFor({ contentType });
      expect(requestProblem(request)).toBeUndefined();
      const csv = contentType === 'text/csv';
      const record = csv ? '1,"a,b",3' : '{"id":"mine","SageMakerOutput":1}';
      const line = formatInputLine(contentType, 's.0.1', record);
      const processing = request.DataProcessing ?? {};
      expect(inputOf(line, csv, processing)).toBe(record);
      const joined = outputOf(line, csv ? '0.1,0.9' : '{"a":[1]}', csv, processing);
      expect(parseOutputLine(contentType, joined)).toMatchObject({
        id: 's.0.1',
        result: csv ? '"0.1,0.9"' : '{"a":[1]}',
      });
    },
  );

  it('sends one record a request where the content type has one', () => {
    expect(requestFor({ contentType: 'application/json' }).BatchStrategy).toBe('SingleRecord');
    expect(requestFor({ contentType: 'text/csv', batchStrategy: 'SingleRecord' }).BatchStrategy).toBe(
      'SingleRecord',
    );
  });

  it('has a manifest of all its objects', () => {
    expect(JSON.parse(manifestText(PLACE, ['b-1', 'b-1.0.21']))).toEqual([
      { prefix: 's3://bucket/data/' },
      'b-1.jsonl',
      'b-1.0.21.jsonl',
    ]);
  });
});
