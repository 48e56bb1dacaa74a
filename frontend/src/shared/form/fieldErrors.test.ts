import { expect, it } from 'vitest';
import { ApiProblem } from '@/shared/problem';
import { fieldErrors } from './fieldErrors';

const FIELDS = ['name', 'tickers'] as const;

it('gives each field its first message, and keeps those of no field', () => {
  const problem = new ApiProblem(422, 'Malformed', '', [
    { field: 'body.tickers.0', message: 'not a ticker' },
    { field: 'body.tickers.1', message: 'neither' },
    { field: 'body', message: 'too much' },
  ]);
  expect(fieldErrors(problem, FIELDS)).toEqual({
    fields: { tickers: 'not a ticker' },
    rest: [{ field: 'body', message: 'too much' }],
  });
});

it('says nothing where nothing went wrong', () => {
  expect(fieldErrors(null, FIELDS)).toEqual({ fields: {}, rest: [] });
});
