/** `deploy --export DIR`: what deploying takes, for people who deploy by other means. No AWS is asked. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Context } from '../../context.ts';
import { ASSETS_PREFIX } from '../../deploy/names.ts';
import { readPackage } from '../../deploy/package.ts';
import { EXIT } from '../../exit-codes.ts';
import { plural, shellQuote } from '../../ui/format.ts';

export async function exportStack(context: Context, folder: string): Promise<number> {
  const { deps, terminal, json } = context;
  const pkg = await readPackage(deps.stackDir);
  const dir = resolve(deps.cwd, folder);
  await mkdir(dir, { recursive: true });
  for (const { path, file } of pkg.zips) await copyFile(path, join(dir, file));
  await writeFile(join(dir, 'template.json'), pkg.templateText);
  const files = ['template.json', ...pkg.zips.map(({ file }) => file)];
  if (json) await terminal.json({ folder: dir, files });
  else await terminal.data(`${files.map((file) => join(folder, file)).join('\n')}\n`);
  const shown = shellQuote(folder);
  terminal.note(
    [
      `wrote the template and ${plural(pkg.zips.length, 'zip file')}; to deploy them (BUCKET in the region of the stack):`,
      `  aws s3 cp ${shown} s3://BUCKET/${ASSETS_PREFIX} --recursive --exclude '*' --include '*.zip'`,
      `  aws cloudformation deploy --template-file ${shellQuote(join(folder, 'template.json'))} --stack-name batchml \\`,
      `    --s3-bucket BUCKET --capabilities CAPABILITY_IAM --parameter-overrides ModelName=MODEL AssetsBucket=BUCKET`,
      'then save its profile:',
      '  batchml deploy --attach',
    ].join('\n'),
  );
  return EXIT.ok;
}
