import { expect, it } from 'vitest';
import { readModelSearch, readModelsSearch } from './modelSearch';
import { readSimulationSearch, readSimulationsSearch } from './simulationSearch';

const ID = '66666666-6666-4666-8666-666666666666';

it('keeps of an address what makes sense for simulations', () => {
  expect(readSimulationsSearch({ start: true, like: ID, sort: '-name' })).toEqual({
    start: true,
    like: ID,
    sort: '-name',
  });
  expect(readSimulationsSearch({ start: 'yes', like: 'x' })).toEqual({});
  expect(readSimulationSearch({ tab: 'report' })).toEqual({ tab: 'report' });
  expect(readSimulationSearch({ tab: 'nothing' })).toEqual({});
});

it('keeps of an address what makes sense for retrainings', () => {
  expect(readModelsSearch({ tab: 'retraining', cycles: 'all', of: ID, mode: 'off' })).toMatchObject({
    tab: 'retraining',
    cycles: 'all',
    of: ID,
    mode: 'off',
  });
  expect(readModelsSearch({ cycles: 'open', of: 1, mode: 'on' })).toEqual({});
  expect(readModelSearch({ tab: 'retraining', cycle: ID })).toMatchObject({ tab: 'retraining', cycle: ID });
  expect(readModelSearch({ cycle: 'x' }).cycle).toBeUndefined();
});
