import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, expect, it, vi } from 'vitest';
import type { FieldError } from '@/shared/problem';
import { bar, dataset, knownAlert, prediction } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { featureCatalogue, MODEL_ID, modelDetail, modelTypes, modelVersion } from '@/testing/modelFactories';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

// jsdom has no canvas.
vi.mock('@/shared/charts/PriceChartView', () => ({ PriceChartView: () => null }));
vi.mock('@/shared/charts/EChart', () => ({ EChart: () => null }));

const ID = '11111111-1111-4111-8111-111111111111';
const at = '2026-11-22T07:00:00Z';
const model = modelDetail({
  versions: [modelVersion({ version: 2, alias: 'challenger' }), modelVersion()],
});

const CURVES = Object.fromEntries(
  ['learning_curve', 'importance', 'cumulative_skill', 'calibration', 'coverage'].map((name) => [name, []]),
);
const ANSWERS: Record<string, object> = {
  '/api/datasets': { items: [dataset()], total: 1 },
  '/api/system/clock': { timelines: [] },
  '/api/predict/': { items: [prediction()], next_cursor: null },
  '/api/datasets/US/AAPL/prices': { exchange: 'US', ticker: 'AAPL', items: [bar('2012-09-14', 100)] },
  '/api/accounts': {
    items: [{ account_id: ID, name: 'vic', role: 'viewer', disabled: false, created_at: at }],
  },
  '/api/api-keys': { items: [] },
  '/api/exchanges': { now: at, items: [] },
  '/api/alerts': { items: [knownAlert()], next_cursor: null },
  '/api/models/types': { items: modelTypes() },
  '/api/models/features': featureCatalogue(),
  '/api/train': { items: [], next_cursor: null },
  [`/api/models/${MODEL_ID}`]: model,
  [`/api/models/${MODEL_ID}/versions/:version/curves`]: CURVES,
  [`/api/models/${MODEL_ID}/versions/:version/fit`]: {
    horizon: 1,
    train_loss: [],
    validation_loss: [],
    gradient_norm: [],
  },
};

beforeEach(() => {
  FakeWebSocket.install();
  server.use(
    ...Object.entries(ANSWERS).map(([path, body]) => http.get(url(path), () => HttpResponse.json(body))),
  );
});

/** Clicks on what bears these test ids, one after the other; `name=` on the menu's item of that name. */
async function click(...targets: string[]): Promise<void> {
  for (const target of targets) {
    const name = target.replace('name=', '');
    const found = target.startsWith('name=')
      ? await screen.findByRole('menuitem', { name })
      : await screen.findByTestId(target);
    await userEvent.click(found);
  }
}

interface Case {
  form: string;
  page: string;
  /** how the form is come to and sent */
  send: () => Promise<void>;
  /** what is sent, and what of it the API refuses */
  call: 'post /api/accounts' | `${'post' | 'put' | 'patch' | 'delete'} /api/${string}`;
  refused: Pick<FieldError, 'field' | 'code' | 'params'>;
  input: string;
  says: string;
}

const TICKER = { code: 'string_pattern_mismatch', params: {} };
const tooLong = (field: string) => ({ field, code: 'string_too_long', params: { max_length: 500 } });
const MODEL = `/api/models/${MODEL_ID}` as const;

const CASES: Case[] = [
  {
    form: 'a new account',
    page: '/admin',
    send: () => click('new-account', 'form-submit'),
    call: 'post /api/accounts',
    refused: { field: 'body.name', code: 'string_pattern_mismatch', params: { pattern: '^[A-Z]$' } },
    input: 'account-name',
    says: 'Letters, digits and . _ @ - only, 64 at most',
  },
  {
    form: "a new account's password",
    page: '/admin',
    send: () => click('new-account', 'form-submit'),
    call: 'post /api/accounts',
    refused: { field: 'body.password', code: 'password', params: { shortest: 10, longest: 256 } },
    input: 'account-password',
    says: "10 to 256 characters, without the account's name",
  },
  {
    form: 'another password',
    page: '/admin',
    send: () => click('actions-vic', 'name=Set a password', 'form-submit'),
    call: `patch /api/accounts/${ID}`,
    refused: { field: 'body.password', code: 'string_too_short', params: { min_length: 10 } },
    input: 'new-password',
    says: '10 characters at least',
  },
  {
    form: 'an API key',
    page: '/admin?tab=keys',
    send: () => click('new-key', 'form-submit'),
    call: 'post /api/api-keys',
    refused: { field: 'body.name', code: 'string_too_short', params: { min_length: 1 } },
    input: 'key-name',
    says: 'This is needed',
  },
  {
    form: 'a watchlist',
    page: '/',
    send: () => click('new-watchlist', 'form-submit'),
    call: 'post /api/watchlists',
    refused: { field: 'body.name', code: 'string_too_short', params: { min_length: 1 } },
    input: 'watchlist-name',
    says: 'This is needed',
  },
  {
    form: 'a load from Yahoo',
    page: '/datasets?load=yfinance',
    send: () => click('etl-start'),
    call: 'post /api/datasets/etl',
    refused: { field: 'body.tickers.0', ...TICKER },
    input: 'etl-tickers',
    says: 'Letters, digits and . ^ = - only, 20 at most',
  },
  {
    form: 'an upload',
    page: '/datasets?load=file',
    send: async () => {
      await screen.findByTestId('upload-start');
      const file = new File(['date,close\n'], 'x.csv', { type: 'text/csv' });
      for (const input of document.querySelectorAll<HTMLElement>('input[type=file]'))
        await userEvent.upload(input, file);
      await click('upload-start');
    },
    call: 'post /api/datasets/upload',
    refused: { field: 'body.ticker', ...TICKER },
    input: 'upload-ticker',
    says: 'Letters, digits and . ^ = - only, 20 at most',
  },
  {
    form: 'a training on the page of a stock',
    page: '/stock/US/AAPL',
    send: () => click('train-button'),
    call: 'post /api/train',
    refused: { field: 'body.horizon', code: 'less_than_equal', params: { le: 60 } },
    input: 'train-horizon',
    says: '60 at most',
  },
  {
    form: 'a forecast on the page of a stock',
    page: '/stock/US/AAPL',
    send: () => click('predict-now'),
    call: 'post /api/predict/',
    refused: { field: 'horizon', code: 'horizon_too_long', params: { longest: 5 } },
    input: 'predict-horizon',
    says: '5 at most: the model that serves was trained for no more',
  },
  {
    form: 'a path on the page of a stock',
    page: '/stock/US/AAPL',
    send: () => click('future-start'),
    call: 'post /api/predict/future/',
    refused: { field: 'body.days', code: 'json_number', params: {} },
    input: 'future-days',
    says: 'A number is needed',
  },
  {
    form: 'a forecast',
    page: '/predict',
    send: () => click('predict-submit'),
    call: 'post /api/predict/',
    refused: { field: 'body.horizon', code: 'greater_than_equal', params: { ge: 1 } },
    input: 'predict-ahead',
    says: '1 or more',
  },
  {
    form: 'a new model',
    page: '/models/new?exchange=US&ticker=AAPL',
    send: () => click('form-define'),
    call: 'post /api/models/',
    refused: { field: 'body.validation.folds', code: 'greater_than_equal', params: { ge: 2 } },
    input: 'form-folds',
    says: '2 or more',
  },
  {
    form: 'a promotion',
    page: `/models/${MODEL_ID}?tab=versions`,
    send: () => click('promote-2', 'promote-confirm'),
    call: `post ${MODEL}/versions/2/promote`,
    refused: tooLong('body.reason'),
    input: 'promote-reason',
    says: '500 characters at most',
  },
  {
    form: 'a rollback',
    page: `/models/${MODEL_ID}`,
    send: () => click('model-menu', 'name=Roll back', 'confirm-button'),
    call: `post ${MODEL}/rollback`,
    refused: tooLong('body.reason'),
    input: 'rollback-reason',
    says: '500 characters at most',
  },
  {
    form: 'the deletion of a model',
    page: `/models/${MODEL_ID}`,
    send: () => click('model-menu', 'name=Delete', 'confirm-button'),
    call: `delete ${MODEL}`,
    refused: tooLong('query.reason'),
    input: 'delete-reason',
    says: '500 characters at most',
  },
  {
    form: "a model's name",
    page: `/models/${MODEL_ID}`,
    send: () => click('model-menu', 'name=Name, note, tags', 'edit-save'),
    call: `patch ${MODEL}`,
    refused: { field: 'body.name', code: 'string_too_short', params: { min_length: 1 } },
    input: 'edit-name',
    says: 'This is needed',
  },
  {
    form: 'a word about an alert',
    page: '/monitoring?tab=alerts',
    send: () => click('acknowledge', 'form-submit'),
    call: 'post /api/alerts/:id/acknowledge',
    refused: { field: 'body.comment', code: 'string_too_long', params: { max_length: 1000 } },
    input: 'alert-comment',
    says: '1000 characters at most',
  },
];

it.each(CASES)(
  'says at the field what was expected: $form',
  async ({ page, send, call, refused, input, says }) => {
    const [method, path] = call.split(' ') as ['post' | 'put' | 'patch' | 'delete', string];
    const errors = [{ message: "the API's own words", ...refused }];
    server.use(
      http[method](url(path), () =>
        HttpResponse.json({ title: 'Malformed request', status: 422, detail: 'x', errors }, { status: 422 }),
      ),
    );
    renderApp(page);
    await send();
    expect(await screen.findByText(says)).toBeVisible();
    expect(screen.getByTestId(input)).toBeInvalid();
    // Said once, not in a box beside the form again.
    expect(screen.queryByText("the API's own words")).toBeNull();
    expect(screen.queryByText('Malformed request')).toBeNull();
  },
);
