/** One parameter of a model type, as a form asks for it. */
export interface ParamField {
  name: string;
  kind: 'number' | 'integer' | 'choice' | 'switch' | 'integers';
  /** nothing is a value too: what the model type then does itself is told by the description */
  nullable: boolean;
  description: string;
  default: ParamValue;
  min?: number;
  max?: number;
  /** whether a value must lie above `min`, or below `max` */
  above?: boolean;
  below?: boolean;
  options?: readonly string[];
}

export type ParamValue = number | string | boolean | null | readonly number[];
export type ParamValues = Readonly<Record<string, ParamValue>>;

interface Property {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Property[];
  items?: Property;
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

function kindOf(property: Property): ParamField['kind'] | null {
  if (property.enum) return 'choice';
  if (property.type === 'number') return 'number';
  if (property.type === 'integer') return 'integer';
  if (property.type === 'boolean') return 'switch';
  if (property.type === 'array' && property.items?.type === 'integer') return 'integers';
  return null;
}

function fieldOf(name: string, property: Property): ParamField | null {
  const known = property.anyOf?.filter((option) => option.type !== 'null') ?? [property];
  const [shape] = known;
  // A choice between two shapes has no input of its own; the API takes its default.
  if (!shape || known.length > 1) return null;
  const kind = kindOf(shape);
  if (kind === null) return null;
  return {
    name,
    kind,
    nullable: property.anyOf?.some((option) => option.type === 'null') ?? false,
    description: property.description ?? '',
    default: (property.default ?? null) as ParamValue,
    min: shape.minimum ?? shape.exclusiveMinimum,
    max: shape.maximum ?? shape.exclusiveMaximum,
    above: shape.exclusiveMinimum !== undefined,
    below: shape.exclusiveMaximum !== undefined,
    options: shape.enum?.filter((option) => typeof option === 'string'),
  };
}

/** The inputs that a JSON Schema of parameters asks for, in its order. */
export function paramFields(schema: Readonly<Record<string, unknown>>): ParamField[] {
  const properties = (schema.properties ?? {}) as Record<string, Property>;
  return Object.entries(properties).flatMap(([name, property]) => fieldOf(name, property) ?? []);
}

/** What a form holds of a parameter: its default unless something was chosen, which may be nothing. */
export function valueOf(field: ParamField, chosen: ParamValues): ParamValue {
  const value = chosen[field.name];
  return value === undefined ? field.default : value;
}

/** Why a value cannot be sent, as a text's key and its values; null when it can. */
export interface Objection {
  key: 'between' | 'from' | 'whole' | 'needed' | 'integers';
  min?: number;
  max?: number;
}

export function objectionTo(field: ParamField, value: ParamValue): Objection | null {
  if (value === null || value === '') return field.nullable ? null : { key: 'needed' };
  if (field.kind === 'integers') return Array.isArray(value) ? null : { key: 'integers' };
  if (field.kind !== 'number' && field.kind !== 'integer') return null;
  if (typeof value !== 'number' || !Number.isFinite(value)) return { key: 'needed' };
  if (field.kind === 'integer' && !Number.isInteger(value)) return { key: 'whole' };
  const { min = -Infinity, max = Infinity } = field;
  const low = field.above ? value <= min : value < min;
  const high = field.below ? value >= max : value > max;
  if (!low && !high) return null;
  return field.max === undefined ? { key: 'from', min } : { key: 'between', min: field.min, max };
}
