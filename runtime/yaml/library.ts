// What is used of js-yaml: a bundle leaves the rest behind, and who imports it lazily is handed a dozen names and not a hundred.
export {
  CHOMPING_MODE,
  CORE_SCHEMA,
  constructFromEvents,
  defineScalarTag,
  EVENT_ID,
  getScalarValue,
  mergeTag,
  NOT_RESOLVED,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from 'js-yaml';
