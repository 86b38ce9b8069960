/**
 * THIRD_PARTY_NOTICES: the licences of all packages whose code is in what we ship, in the command line's bundle and in the
 * functions' zip files. The same packages give the same text.
 *
 *     node scripts/notices.mjs [file]
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleHandler, HANDLERS } from './build-handlers.mjs';
import { bundleCli } from './bundle-cli.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const HEAD = `batchml contains code of the packages below, under their own licences. Packages with the same text share it.
The dependency node-sqlite3-wasm is installed beside it, with its own licence.
`;

/** What a licence's text is filed under in a package. */
const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** Folders of packages, in node_modules, of which something is in an output. */
async function bundledPackages() {
  const metafiles = [await bundleCli(), ...(await Promise.all(HANDLERS.map(bundleHandler)))].map(
    ({ metafile }) => metafile,
  );
  const folders = new Set();
  for (const { outputs } of metafiles)
    for (const { inputs } of Object.values(outputs))
      for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
        const [folder] = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path) ?? [];
        if (folder !== undefined && bytesInOutput > 0) folders.add(folder.replace(/^[a-z-]+:/, ''));
      }
  return [...folders].sort();
}

async function describe(folder) {
  const at = join(ROOT, folder);
  const { name, version, license, author, repository } = JSON.parse(
    await readFile(join(at, 'package.json'), 'utf8'),
  );
  const files = (await readdir(at)).filter((file) => LICENCE_FILE.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(at, file), 'utf8')));
  const holder = typeof author === 'object' ? author?.name : author;
  const home = typeof repository === 'object' ? repository?.url : repository;
  if (typeof license !== 'string') throw new Error(`${name}: package.json names no licence`);
  return {
    title: `${name} ${version} (${license})`,
    license,
    // Some packages name a licence and bring no text: then who wrote it and where it is kept is what there is to say.
    about: texts.length === 0 ? [holder, home?.replace(/^git\+|\.git$/g, '')].filter(Boolean).join(', ') : '',
    text: texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n'),
  };
}

/** @returns the whole text */
export async function notices() {
  const packages = await Promise.all((await bundledPackages()).map(describe));
  const byText = new Map();
  for (const one of packages) {
    const key = one.text || one.license;
    byText.set(key, [...(byText.get(key) ?? []), one]);
  }
  const sections = [...byText.values()].map((same) => {
    const titles = same.map(({ title, about }) => (about === '' ? title : `${title}\n  ${about}`)).sort();
    const [{ text, license }] = same;
    return `${[...new Set(titles)].join('\n')}\n\n${text || standardText(license, packages)}\n`;
  });
  const rule = `\n${'-'.repeat(80)}\n\n`;
  return `${HEAD}${rule}${sections.sort().join(rule)}`;
}

/** MIT No Attribution: the one licence here that asks for nothing, and whose packages may come without it. */
const MIT_0 = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** The text of a licence that a package names and leaves out. Only where the text is the same for everyone. */
function standardText(license, packages) {
  if (license === 'MIT-0') return MIT_0;
  const same = packages.find((one) => one.license === license && one.text !== '');
  if (license !== 'Apache-2.0' || same === undefined)
    throw new Error(`a package under ${license} brings no text of it`);
  return same.text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await notices();
  if (process.argv[2] === undefined) process.stdout.write(text);
  else await writeFile(process.argv[2], text);
}
