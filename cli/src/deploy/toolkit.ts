/** The stack `batchml-toolkit`: one for all stacks of an account and region. It owns the assets bucket, and nothing else. */
import { type CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { CliError } from '../errors.ts';
import { nextStep } from './stack-state.ts';
import type { Stacks, StackView } from './stacks.ts';

export const TOOLKIT = 'batchml-toolkit';

/**
 * The bucket has no name of its own: CloudFormation makes one up that is free, so that nobody can take it beforehand. It
 * outlives the stack, and its objects never expire: a rollback needs the code of the version before.
 */
const TEMPLATE = {
  Description: 'batchml: the bucket from which stacks take their code',
  Resources: {
    Bucket: {
      Type: 'AWS::S3::Bucket',
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        LifecycleConfiguration: {
          Rules: [
            {
              Id: 'unfinished',
              Status: 'Enabled',
              AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
            },
          ],
        },
      },
    },
    BucketPolicy: {
      Type: 'AWS::S3::BucketPolicy',
      Properties: {
        Bucket: { Ref: 'Bucket' },
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'TlsOnly',
              Effect: 'Deny',
              Principal: '*',
              Action: 's3:*',
              Resource: [
                { 'Fn::GetAtt': ['Bucket', 'Arn'] },
                { 'Fn::Join': ['', [{ 'Fn::GetAtt': ['Bucket', 'Arn'] }, '/*']] },
              ],
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
          ],
        },
      },
    },
  },
  Outputs: { AssetsBucket: { Value: { Ref: 'Bucket' } } },
};

export interface ToolkitOptions {
  readonly client: CloudFormationClient;
  readonly stacks: Stacks;
  /** Follows the stack until it moves no more; throws, with the cause, where that isn't what was wanted. */
  readonly settle: (id: string, operation: 'create' | 'delete') => Promise<void>;
  readonly note: (text: string) => Promise<void>;
}

/** The bucket's name, where the stack is there and whole. */
export function bucketOf(stack: StackView | undefined): string | undefined {
  return stack === undefined || nextStep(stack.status).do !== 'update'
    ? undefined
    : stack.outputs['AssetsBucket'];
}

/** Makes the stack, or waits for whoever makes it; the bucket's name. */
export async function ensureToolkit(options: ToolkitOptions): Promise<string> {
  const { stacks, settle, note } = options;
  // More than all that may have to be done: waiting for somebody's, deleting a broken one, making it.
  for (let step = 0; step < 6; step++) {
    const stack = await stacks.find(TOOLKIT);
    const bucket = bucketOf(stack);
    if (bucket !== undefined) return bucket;
    const next = nextStep(stack?.status).do;
    if (stack === undefined || next === 'create') {
      await note(`making the assets bucket (stack ${TOOLKIT}, once per account and region)`);
      await create(options);
    } else if (next === 'wait') await settle(stack.id, 'create');
    else if (next === 'recreate') {
      await note(`${TOOLKIT} is ${stack.status}: it is deleted and made again`);
      await stacks.delete(stack.id);
      await settle(stack.id, 'delete');
    } else break;
  }
  throw new CliError(`stack ${TOOLKIT} has no bucket`, {
    code: 'toolkit',
    next: [
      `look at it: aws cloudformation describe-stacks --stack-name ${TOOLKIT}`,
      'mend it or delete it, then the same command again',
    ],
  });
}

/** Another deploy may be faster: then that one's is ours. */
async function create({ client, settle }: ToolkitOptions): Promise<void> {
  const command = new CreateStackCommand({ StackName: TOOLKIT, TemplateBody: JSON.stringify(TEMPLATE) });
  try {
    const { StackId = TOOLKIT } = await client.send(command);
    await settle(StackId, 'create');
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AlreadyExistsException')) throw error;
  }
}
