/** How many instances of a type transform jobs of this account may use: on a new account it can be none. */
import { ListServiceQuotasCommand, type ServiceQuotasClient } from '@aws-sdk/client-service-quotas';

export interface TransformQuota {
  readonly instanceType: string;
  readonly value: number;
  /** To ask for more. */
  readonly code: string;
}

export type QuotaAnswer =
  | { readonly known: TransformQuota }
  /** The whole list was read: no transform job runs on this type here. Those that there are. */
  | { readonly unknown: readonly string[] }
  /** The list is longer than we read. */
  | 'not found';

const NAME = /^(ml\.\S+) for transform job usage$/;
/** SageMaker has thousands of quotas, a hundred a page. */
const MOST_PAGES = 80;

/** Looks through SageMaker's quotas, which have no index by instance type. */
export async function transformQuota(
  client: ServiceQuotasClient,
  instanceType: string,
  signal: AbortSignal,
): Promise<QuotaAnswer> {
  const types: string[] = [];
  let NextToken: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await client.send(
      new ListServiceQuotasCommand({ ServiceCode: 'sagemaker', MaxResults: 100, NextToken }),
      { abortSignal: signal },
    );
    for (const { QuotaName = '', QuotaCode = '', Value = 0 } of answer.Quotas ?? []) {
      const type = NAME.exec(QuotaName)?.[1];
      if (type === undefined) continue;
      if (type === instanceType) return { known: { instanceType, value: Value, code: QuotaCode } };
      types.push(type);
    }
    NextToken = answer.NextToken;
    if (NextToken === undefined) return { unknown: types };
  }
  return 'not found';
}
