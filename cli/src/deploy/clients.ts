/** The clients of AWS, each made when it is first needed. Loading this file loads the SDK: only by `import()`. */
import { APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { STSClient } from '@aws-sdk/client-sts';
import type { awsConfig } from '../config/aws.ts';

const MAKERS = {
  apiGateway: APIGatewayClient,
  cloudFormation: CloudFormationClient,
  dynamo: DynamoDBClient,
  iam: IAMClient,
  s3: S3Client,
  sageMaker: SageMakerClient,
  quotas: ServiceQuotasClient,
  sts: STSClient,
};

export interface Clients {
  readonly apiGateway: APIGatewayClient;
  readonly cloudFormation: CloudFormationClient;
  readonly dynamo: DynamoDBClient;
  readonly iam: IAMClient;
  readonly s3: S3Client;
  readonly sageMaker: SageMakerClient;
  readonly quotas: ServiceQuotasClient;
  readonly sts: STSClient;
  /** The region in use; throws where none is known. */
  region(): Promise<string>;
  /** Ends requests that are under way. */
  close(): void;
}

export function makeClients(config: ReturnType<typeof awsConfig>): Clients {
  const made = new Map<string, SomeClient>();
  let closed = false;
  /** Ending connections makes the SDK try again, for minutes if nobody answers. */
  const nothingAfterClose = <Next extends (args: never) => unknown>(next: Next): Next =>
    ((args: never) => {
      if (closed) throw new Error('no longer asked');
      return next(args);
    }) as Next;
  const clients = {
    region: () => (clients as unknown as Clients).sts.config.region(),
    close: () => {
      closed = true;
      for (const client of made.values()) client.destroy();
    },
  };
  for (const [name, Client] of Object.entries(MAKERS)) {
    Object.defineProperty(clients, name, {
      get() {
        const known = made.get(name);
        if (known !== undefined) return known;
        const client = new Client(config) as SomeClient;
        client.middlewareStack.add(nothingAfterClose, { step: 'deserialize', name: 'nothingAfterClose' });
        made.set(name, client);
        return client;
      },
    });
  }
  return clients as unknown as Clients;
}

interface SomeClient {
  destroy(): void;
  readonly middlewareStack: {
    add(middleware: unknown, options: { readonly step: 'deserialize'; readonly name: string }): void;
  };
}
