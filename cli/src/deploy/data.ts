/** A stack's data: the table of jobs and the bucket of records and results. */
import { DeleteTableCommand, DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { CliError } from '../errors.ts';

export interface StackData {
  readonly table: string | undefined;
  readonly bucket: string | undefined;
}

/** Resources that a deleted stack left behind, or that one has. */
export function dataAmong(resources: readonly { readonly type: string; readonly name: string }[]): StackData {
  const named = (type: string): string | undefined =>
    resources.find((resource) => resource.type === type && resource.name !== '')?.name;
  return { table: named('AWS::DynamoDB::Table'), bucket: named('AWS::S3::Bucket') };
}

/** Rows of a table, as counted some hours ago; undefined: there is no table, or we may not look. */
export async function countRows(client: DynamoDBClient, table: string): Promise<number | undefined> {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    return Table?.ItemCount;
  } catch {
    return undefined;
  }
}

/** Of these, what exists. What we may not look at is taken to be there. */
export async function stillThere(
  { dynamo, s3 }: { readonly dynamo: DynamoDBClient; readonly s3: S3Client },
  { table, bucket }: StackData,
  account: string,
): Promise<StackData> {
  const unless =
    (missing: RegExp) =>
    (error: unknown): boolean =>
      !(error instanceof Error && missing.test(error.name));
  const is = async (asked: Promise<unknown>, missing: RegExp): Promise<boolean> =>
    asked.then(() => true, unless(missing));
  const hasTable =
    table !== undefined &&
    (await is(dynamo.send(new DescribeTableCommand({ TableName: table })), /^ResourceNotFoundException$/));
  const hasBucket =
    bucket !== undefined &&
    (await is(
      s3.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: account })),
      /^(NotFound|NoSuchBucket)$/,
    ));
  return { table: hasTable ? table : undefined, bucket: hasBucket ? bucket : undefined };
}

/** Whether it was there. */
export async function deleteTable(client: DynamoDBClient, table: string): Promise<boolean> {
  try {
    await client.send(new DeleteTableCommand({ TableName: table }));
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return false;
    throw error;
  }
}

/**
 * Deletes every version of every object, then the bucket. A page of versions (at most 1,000) is one DeleteObjects.
 * @returns versions deleted; undefined: there was no bucket
 */
export async function deleteBucket(
  client: S3Client,
  bucket: string,
  account: string,
  told: (deleted: number) => Promise<void>,
): Promise<number | undefined> {
  const mine = { Bucket: bucket, ExpectedBucketOwner: account };
  let deleted = 0;
  try {
    for (;;) {
      // Always from the start: what was listed is gone.
      const page = await client.send(new ListObjectVersionsCommand(mine));
      const found = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
      if (found.length === 0) break;
      const Objects = found.map(({ Key, VersionId }) => ({ Key, VersionId }));
      const { Errors = [] } = await client.send(
        new DeleteObjectsCommand({ ...mine, Delete: { Objects, Quiet: true } }),
      );
      const [first] = Errors;
      if (first !== undefined)
        throw new CliError(`${Errors.length} objects of ${bucket} could not be deleted`, {
          code: 'delete_objects',
          why: `${first.Key}: ${first.Code} ${first.Message}`,
        });
      deleted += found.length;
      await told(deleted);
    }
    await client.send(new DeleteBucketCommand(mine));
    return deleted;
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchBucket') return undefined;
    throw error;
  }
}
