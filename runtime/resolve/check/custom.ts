import { fieldsIn, type Item, textIn } from './values.ts';

/** A custom task: by its apiVersion and kind (docs/pipelines.md, Using Custom Tasks). */
export function isCustom({ fields }: Item): boolean {
  return ['taskRef', 'taskSpec'].some((field) => {
    const { apiVersion, kind } = fieldsIn(fields[field]);
    return textIn(apiVersion) !== '' || !['', 'Task'].includes(textIn(kind));
  });
}
