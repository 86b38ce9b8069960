/** SageMaker's quotas. */
import { type Call, type Reply, ServiceError } from './http.ts';
import { page } from './xml.ts';

export class Quotas {
  /** Instances for transform jobs, by type. */
  readonly transform = new Map<string, number>([
    ['ml.m5.large', 4],
    ['ml.m5.xlarge', 1],
    ['ml.g5.xlarge', 0],
  ]);

  handle({ action, params }: Call): Reply {
    if (action !== 'ListServiceQuotas') throw new ServiceError('UnknownOperationException', action);
    const others = Array.from({ length: 12 }, (_, i) => [`Quota ${i} of something else`, 100] as const);
    const all = [
      ...others,
      ...[...this.transform].map(([type, value]) => [`${type} for transform job usage`, value] as const),
    ];
    const { items, next } = page(all, params.NextToken, 5);
    const Quotas = items.map(([QuotaName, Value], i) => ({
      ServiceCode: 'sagemaker',
      QuotaName,
      QuotaCode: `L-0000000${i}`,
      Value,
    }));
    return { json: { Quotas, NextToken: next } };
  }
}
