import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { SubpipeError } from '../runtime/errors.ts';
import { licensesOf } from './licenses.ts';
import { type Project, root } from './project.ts';

/**
 * Packages that most runs of a step do without: what is named here of each becomes a file of its own, which a step reads when it imports
 * it. Other lazy imports stay in the bundle, where they cost less.
 */
const apart: Readonly<Record<string, { file: string; exports: string }>> = {
  // A kubeconfig with its login plugins: for laptops only.
  '@kubernetes/client-node': { file: 'kubernetes-client', exports: 'KubeConfig' },
  '@marcbachmann/cel-js': { file: 'cel', exports: 'Environment' },
  ajv: { file: 'json-schema', exports: 'Ajv' },
  diff: { file: 'diff', exports: 'createTwoFilesPatch, FILE_HEADERS_ONLY' },
  re2js: { file: 're2', exports: 'RE2JS' },
};

/** Programs of threads: files of their own, as a thread that loaded all of a step would start late and large. */
const threads = { 'archive-thread': join(root, 'runtime/archive/thread-main.ts') };

/**
 * Bundles steps/NAME/main.ts to FOLDER/NAME.js, one file each. CommonJS, because Node starts it faster than a module;
 * names are kept, because minified names save no time once the code is cached, and a stack trace stays readable.
 *
 * @throws SubpipeError `FAILED` when a step pulls in statically what it should import lazily.
 */
export async function bundleSteps(names: string[], folder: string, project: Project): Promise<void> {
  await mkdir(folder, { recursive: true });
  const entryPoints = Object.fromEntries(names.map((name) => [name, join(root, 'steps', name, 'main.ts')]));
  const steps = await bundle(entryPoints, folder, project, [keepApart()]);
  const files = Object.entries(apart).map(([name, { file }]) => [file, `apart:${name}`]);
  const lazy = await bundle({ ...Object.fromEntries(files), ...threads }, folder, project, [namedExports()]);
  await writeFile(
    join(folder, licensesFile),
    await licensesOf([...Object.keys(steps.inputs), ...Object.keys(lazy.inputs)]),
  );
}

/** Bundles the command `subpipe`, which is also the plugin `kubectl-subpipe`, beside the steps and what they share. */
export async function bundleCommand(folder: string, project: Project): Promise<void> {
  await bundle({ [commandName]: join(root, 'kubectl/main.ts') }, folder, project, [keepApart()]);
  await chmod(join(folder, `${commandName}.js`), 0o755);
}

export const commandName = 'kubectl-subpipe';

/** Files beside NAME.js: what its lazy imports need, and the licenses of all that is bundled. */
export const licensesFile = 'LICENSES.txt';
export const sharedFiles = [
  ...[...Object.values(apart).map(({ file }) => file), ...Object.keys(threads)].map((name) => `${name}.js`),
  licensesFile,
];

async function bundle(
  entryPoints: Record<string, string>,
  folder: string,
  project: Project,
  plugins: Plugin[],
): Promise<Metafile> {
  const result = await build({
    entryPoints,
    outdir: folder,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: `node${project.nodeVersion}`,
    // require() and not import(): the loader for modules alone takes longer to start than a step.
    supported: { 'dynamic-import': false },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'silent',
    metafile: true,
    plugins,
  }).catch((cause: unknown) => {
    throw new SubpipeError('FAILED', 'esbuild cannot bundle the steps', { cause });
  });
  return result.metafile;
}

function keepApart(): Plugin {
  return {
    name: 'keep-apart',
    setup(build) {
      build.onResolve({ filter: /^[^.]/ }, ({ path, kind, importer }) => {
        const file = apart[path]?.file;
        if (file === undefined) return undefined;
        if (kind === 'dynamic-import') return { path: `./${file}.js`, external: true };
        return {
          errors: [{ text: `${importer} imports ${path} statically: use "await import()", each start would read it` }],
        };
      });
    },
  };
}

/** The contents of the files that are apart: naming what is used leaves the rest of a package behind. */
function namedExports(): Plugin {
  return {
    name: 'named-exports',
    setup(build) {
      build.onResolve({ filter: /^apart:/ }, ({ path }) => ({ path: path.slice('apart:'.length), namespace: 'apart' }));
      build.onLoad({ filter: /.*/, namespace: 'apart' }, ({ path }) => ({
        contents: `export { ${apart[path]?.exports} } from '${path}';`,
        resolveDir: root,
      }));
    },
  };
}
