import { describe, expect, it } from 'vitest';
import { objectionTo, paramFields, valueOf, type ParamField } from './paramFields';

const schema = {
  type: 'object',
  properties: {
    alpha: {
      anyOf: [{ type: 'number', exclusiveMinimum: 0, maximum: 1e9 }, { type: 'null' }],
      default: null,
      description: 'strength',
    },
    hidden_layers: { type: 'array', items: { type: 'integer' }, default: [32, 16], description: 'units' },
    activation: { enum: ['relu', 'tanh'], type: 'string', default: 'relu', description: 'of the layers' },
    epochs: { type: 'integer', minimum: 1, maximum: 10000, default: 100 },
    shuffle: { type: 'boolean', default: true },
    odd: { anyOf: [{ type: 'integer' }, { type: 'string' }], default: 1 },
  },
};

function field(name: string): ParamField {
  const found = paramFields(schema).find((item) => item.name === name);
  if (!found) throw new Error(`no field ${name}`);
  return found;
}

describe('paramFields', () => {
  it('finds an input for each kind of parameter, and none for what has two shapes', () => {
    expect(paramFields(schema).map(({ name, kind, nullable }) => [name, kind, nullable])).toEqual([
      ['alpha', 'number', true],
      ['hidden_layers', 'integers', false],
      ['activation', 'choice', false],
      ['epochs', 'integer', false],
      ['shuffle', 'switch', false],
    ]);
    expect(field('activation').options).toEqual(['relu', 'tanh']);
    expect(field('hidden_layers').default).toEqual([32, 16]);
  });

  it('finds none in the schema of a type without parameters', () => {
    expect(paramFields({ type: 'object', additionalProperties: false })).toEqual([]);
  });
});

describe('valueOf', () => {
  it('is the default until something was chosen, which may be nothing', () => {
    expect(valueOf(field('epochs'), {})).toBe(100);
    expect(valueOf(field('epochs'), { epochs: null })).toBeNull();
  });
});

describe('objectionTo', () => {
  it('keeps to the bounds of the schema', () => {
    expect(objectionTo(field('alpha'), 0)).toEqual({ key: 'between', min: 0, max: 1e9 });
    expect(objectionTo(field('alpha'), 0.5)).toBeNull();
    expect(objectionTo(field('epochs'), 1.5)).toEqual({ key: 'whole' });
    expect(objectionTo(field('epochs'), 0)).toEqual({ key: 'between', min: 1, max: 10000 });
  });

  it('takes nothing only where the schema does', () => {
    expect(objectionTo(field('alpha'), null)).toBeNull();
    expect(objectionTo(field('epochs'), null)).toEqual({ key: 'needed' });
    expect(objectionTo(field('hidden_layers'), 'x')).toEqual({ key: 'integers' });
    expect(objectionTo(field('hidden_layers'), [])).toBeNull();
  });
});
