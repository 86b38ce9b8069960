/** Names that the stack derives from its own. */
import { Aws, Fn } from 'aws-cdk-lib';

/** The first eight hex digits of the UUID at the end of the stack's ID: another stack, or the same made anew, has others. */
const STACK_MARK = Fn.select(0, Fn.split('-', Fn.select(2, Fn.split('/', Aws.STACK_ID))));

/** What the names of this stack's SageMaker transform jobs begin with, up to the next `-`. */
export const NAME_PREFIX = Fn.join('-', ['batchml', STACK_MARK]);

/**
 * The bucket's name. Known beforehand, so that the results queue can name the bucket that may send to it and the bucket
 * the queue. With `sagemaker` in it, as the managed policy AmazonSageMakerFullAccess, which most models' roles have,
 * lets them read and write in buckets so named. At most 63 characters: 27 + 13 + a Region's name.
 */
export const BUCKET_NAME = Fn.join('-', ['batchml-sagemaker', STACK_MARK, Aws.ACCOUNT_ID, Aws.REGION]);

/** An ARN of this account and Region. */
export const localArn = (service: string, resource: string) =>
  `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
