import { describe, expect, it } from 'vitest';
import { faultOf, isOver, isUnknownJob, refusalOf } from '../../../backend/aws/transform-errors.ts';

const error = (name: string, message = '', httpStatusCode: number | undefined = 400) =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });

describe('a refused CreateTransformJob', () => {
  it.each([
    error(
      'ResourceLimitExceeded',
      "The account-level service limit 'ml.m5.large for transform job usage' is 0",
    ),
    error('ThrottlingException', 'Rate exceeded'),
    error('Throttling', 'Rate exceeded'),
    error('TooManyRequestsException'),
    error('RequestLimitExceeded'),
    error('ServiceUnavailable', 'try again', 503),
    error('InternalFailure', 'oops', 500),
    error('ConflictException', 'another call is under way', 409),
  ])('is waited out: $name', (refused) => {
    expect(refusalOf(refused)).toEqual({ kind: 'later', reason: `${refused.name}: ${refused.message}` });
  });

  it.each([
    error('ValidationException', 'Could not find model "arn:aws:sagemaker:eu-west-1:1:model/m".'),
    error(
      'ValidationException',
      'Could not assume role arn:aws:iam::1:role/m. Please ensure that the role exists',
    ),
    error(
      'ValidationException',
      'No S3 objects found under S3 URL "s3://b/manifest/x.json" given in input data source.',
    ),
    error('ResourceNotFound', 'no such model'),
    error('AccessDeniedException', 'User x is not authorized to perform: sagemaker:CreateTransformJob'),
  ])('can never work without its model: $name: $message', (refused) => {
    expect(refusalOf(refused)).toEqual({
      kind: 'never',
      error: { code: 'model_unavailable', message: refused.message },
    });
  });

  it('can never work when the request itself is wrong', () => {
    const message = "Value 'ml.x' at 'transformResources.instanceType' failed to satisfy constraint";
    expect(refusalOf(error('ValidationException', message))).toEqual({
      kind: 'never',
      error: { code: 'transform_failed', message },
    });
  });

  it.each([
    Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
    Object.assign(new Error('Connection timed out'), { name: 'TimeoutError', $metadata: {} }),
    error('ExpiredTokenException', 'The security token included in the request is expired', 403),
    error('InvalidSignatureException', 'Signature expired', 403),
    error('UnrecognizedClientException', 'The security token is invalid', 403),
  ])('says nothing of the transform job when it is about the call: $name $message', (thrown) => {
    expect(refusalOf(thrown)).toBeUndefined();
  });
});

describe('a transform job that is not there or over', () => {
  it('is told apart from other refusals', () => {
    const gone = error('ValidationException', 'Could not find requested job with name: x');
    const over = error(
      'ValidationException',
      'The request was rejected because the transform job is in status Failed.',
    );
    const other = error('ValidationException', '1 validation error detected');
    expect([gone, error('ResourceNotFound'), over, other].map(isUnknownJob)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([gone, over, other, error('Throttling', 'in status')].map(isOver)).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });
});

describe('whose fault a failure is', () => {
  it.each([
    ['CapacityError: Unable to provision requested ML compute capacity. Please retry.', 'platform'],
    ['InternalServerError: We encountered an internal error. Please try again.', 'platform'],
    ['ClientError: See job logs for more information', 'records'],
    ['AlgorithmError: See job logs for more information', 'records'],
    [undefined, 'records'],
    ['AlgorithmError: The container did not answer ping within 300 seconds', 'model'],
    ['AlgorithmError: Model container failed to start', 'model'],
    ['The model server did not pass the health check', 'model'],
    ['ClientError: S3 AccessDenied: s3://b/data/x.jsonl', 'access'],
    [
      'ClientError: User arn:aws:sts::1:assumed-role/m/SageMaker is not authorized to perform: s3:PutObject',
      'access',
    ],
    ['ClientError: Could not assume role arn:aws:iam::1:role/m', 'access'],
    ['ClientError: Could not find model data at s3://b/model.tar.gz', 'access'],
    ['ClientError: Failed to pull the image 1.dkr.ecr.eu-west-1.amazonaws.com/m', 'access'],
  ])('%s: %s', (reason, fault) => {
    expect(faultOf('Failed', reason)).toBe(fault);
  });

  it.each(['Completed', 'InProgress', 'Stopping', 'Stopped'] as const)(
    'is nobody when it is %s',
    (status) => {
      expect(faultOf(status, 'AccessDenied')).toBeUndefined();
    },
  );
});
