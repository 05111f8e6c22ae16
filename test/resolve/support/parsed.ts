import { parseYamlAll } from '../../../runtime/yaml.ts';

/** An object of a YAML text, for tests that look into it: what is not there is undefined, and an assertion says so. */
// biome-ignore lint/suspicious/noExplicitAny: the one place; a type for each shape would say again what the assertions say
export type Parsed = any;

/** The objects of a YAML text. */
export async function parsedIn(text: string, name = 'stdout'): Promise<Parsed[]> {
  return await parseYamlAll(text, name);
}

/** The images of the first steps of a run's embedded tasks, by the tasks' names. */
export function imagesOf(run: Parsed): Record<string, string | undefined> {
  return Object.fromEntries(
    run.spec.pipelineSpec.tasks.map((task: Parsed) => [task.name, task.taskSpec?.steps[0].image]),
  );
}
