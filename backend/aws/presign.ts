/**
 * Addresses of objects in the bucket that can be read without credentials for a while: presigned GetObject requests.
 * Only the host is signed, so that a reader may ask for a part by the Range header; a command with a `Range` would
 * make it a signed header that must be sent as it was (aws-sdk-js-v3#4823).
 */
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

/** What of the S3 client a signature is made with. */
export type Signer = Pick<S3Client, 'config' | 'middlewareStack'>;

/** How long an address is good for, in seconds; shorter where the role's session ends (Amazon S3, presigned URLs). */
const VALID_S = 3600;

export function s3Presign(
  client: Signer,
  Bucket: string,
  now: () => number,
): (key: string) => Promise<string> {
  return (Key) =>
    getSignedUrl(client as S3Client, new GetObjectCommand({ Bucket, Key }), {
      expiresIn: VALID_S,
      signingDate: new Date(now()),
    });
}
