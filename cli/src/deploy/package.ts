/** What is deployed, as it lies in the package: the template, and the zip files that it names. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../errors.ts';

export interface TemplateParameter {
  readonly Type: string;
  readonly Default?: string | number;
}

export interface StackTemplate {
  readonly Parameters: Readonly<Record<string, TemplateParameter>>;
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Condition?: string }>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
}

export interface Asset {
  /** Its name carries a hash of its content: a name never gets another content. */
  readonly file: string;
  readonly path: string;
  readonly bytes: number;
}

export interface StackPackage {
  readonly dir: string;
  readonly templateText: string;
  readonly template: StackTemplate;
  /** Name under which the template is uploaded; with a hash of its content. */
  readonly templateFile: string;
  readonly zips: readonly Asset[];
}

export async function readPackage(dir: string): Promise<StackPackage> {
  try {
    const templateText = await readFile(join(dir, 'template.json'), 'utf8');
    const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')) as Record<
      string,
      { file: string; bytes: number }
    >;
    const hash = createHash('sha256').update(templateText).digest('hex');
    return {
      dir,
      templateText,
      template: JSON.parse(templateText) as StackTemplate,
      templateFile: `template-${hash.slice(0, 16)}.json`,
      zips: Object.values(manifest).map(({ file, bytes }) => ({ file, bytes, path: join(dir, file) })),
    };
  } catch (cause) {
    throw new CliError('the stack is missing from this package', {
      code: 'incomplete_package',
      why: cause instanceof Error ? cause.message : String(cause),
      next: ['install batchml again; in a checkout: npm run build'],
      cause,
    });
  }
}
