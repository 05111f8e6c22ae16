import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { SubpipeError } from '../runtime/errors.ts';
import { packChunks } from './chunks.ts';
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
  const steps = await Promise.all(names.map((name) => bundleProgram(name, `steps/${name}/main.ts`, folder, project)));
  const files = Object.entries(apart).map(([name, { file }]) => [file, `apart:${name}`]);
  const entryPoints = { ...Object.fromEntries(files), ...threads };
  const options = common(folder, project, namedExports());
  const lazy = await build({ ...options, entryPoints, format: 'cjs' }).catch(refused);
  const inputs = [...steps, lazy.metafile].flatMap((metafile) => Object.keys(metafile.inputs));
  await writeFile(join(folder, licensesFile), await licensesOf(inputs));
}

/** Bundles the command `subpipe`, which is also the plugin `kubectl-subpipe`, beside the steps and what they share. */
export async function bundleCommand(folder: string, project: Project): Promise<void> {
  await bundleProgram(commandName, 'kubectl/main.ts', folder, project);
  await chmod(join(folder, `${commandName}.js`), 0o755);
}

export const commandName = 'kubectl-subpipe';

/** Files beside NAME.js: what its lazy imports need, and the licenses of all that is bundled. */
export const licensesFile = 'LICENSES.txt';
export const sharedFiles = [
  ...[...Object.values(apart).map(({ file }) => file), ...Object.keys(threads)].map((name) => `${name}.js`),
  licensesFile,
];

/** A program as one CommonJS file, made of the chunks that its lazy imports split it into. */
async function bundleProgram(name: string, main: string, folder: string, project: Project): Promise<Metafile> {
  const { outputFiles, metafile } = await build({
    ...common(folder, project, keepApart()),
    entryPoints: { [name]: join(root, main) },
    format: 'esm',
    splitting: true,
    write: false,
  }).catch(refused);
  const file = join(folder, `${name}.js`);
  await writeFile(file, await packChunks(outputFiles, metafile, file));
  return metafile;
}

function common(folder: string, project: Project, plugin: Plugin) {
  return {
    outdir: folder,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: `node${project.nodeVersion}`,
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'silent',
    metafile: true,
    plugins: [plugin],
  } satisfies BuildOptions;
}

function refused(cause: unknown): never {
  throw new SubpipeError('FAILED', 'esbuild cannot bundle the steps', { cause });
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
