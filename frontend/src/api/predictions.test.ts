import { QueryClient } from '@tanstack/react-query';
import { http, HttpResponse } from 'msw';
import { describe, expect, it } from 'vitest';
import { prediction } from '@/testing/factories';
import { server, url } from '@/testing/server';
import {
  applyPredictions,
  latestPredictionQuery,
  predictionKeys,
  withPrediction,
  withUnlisted,
  type Prediction,
} from './predictions';

const AAPL = { exchange: 'US', ticker: 'AAPL' };

describe('withPrediction', () => {
  it('puts a prediction in its place by time', () => {
    const old = prediction({ made_at: '2026-11-21T10:00:00Z' });
    const late = prediction({ made_at: '2026-11-21T10:00:02Z' });
    const between = prediction({ made_at: '2026-11-21T10:00:01Z' });
    expect(withPrediction([late, old], between)).toEqual([late, between, old]);
    expect(withPrediction([], old)).toEqual([old]);
  });

  it('keeps the outcome of one that comes again', () => {
    const settled = prediction({ actual_close: 99 });
    expect(withPrediction([settled], { ...settled, actual_close: null })).toEqual([settled]);
  });
});

describe('withUnlisted', () => {
  it('keeps a prediction that came live until the warehouse lists it', () => {
    const old = prediction({ made_at: '2026-11-21T10:00:00Z' });
    const came = prediction({ made_at: '2026-11-21T10:00:05Z' });
    expect(withUnlisted([old], [came, old])).toEqual([came, old]);
    const settled = { ...came, actual_close: 99 };
    expect(withUnlisted([settled, old], [came, old])).toEqual([settled, old]);
  });

  it('lets go of what the list has left behind', () => {
    const listed = prediction({ made_at: '2026-11-21T10:00:05+00:00' });
    const older = prediction({ made_at: '2026-11-21T10:00:00.000Z' });
    expect(withUnlisted([listed], [older])).toEqual([listed]);
  });
});

describe('applyPredictions', () => {
  it('brings caches up to date that are in use, and makes none', () => {
    const client = new QueryClient();
    const first = prediction({ made_at: '2026-11-21T10:00:00Z' });
    client.setQueryData(predictionKeys.latest(AAPL), first);
    client.setQueryData(predictionKeys.history(AAPL), [first]);
    const second = prediction({ made_at: '2026-11-21T10:00:05Z' });
    const other = prediction({ ticker: 'MSFT' });
    applyPredictions(client, [second, other]);
    expect(client.getQueryData<Prediction>(predictionKeys.latest(AAPL))).toEqual(second);
    expect(client.getQueryData(predictionKeys.history(AAPL))).toEqual([second, first]);
    expect(client.getQueryData(predictionKeys.latest({ exchange: 'US', ticker: 'MSFT' }))).toBeUndefined();
  });

  it('ends the wait of an instrument that had no prediction', () => {
    const client = new QueryClient();
    client.setQueryData(predictionKeys.latest(AAPL), null);
    const first = prediction();
    applyPredictions(client, [first]);
    expect(client.getQueryData(predictionKeys.latest(AAPL))).toEqual(first);
  });

  it('does not go back to an older prediction that is delivered again', () => {
    const client = new QueryClient();
    const newest = prediction({ made_at: '2026-11-21T10:00:05Z' });
    client.setQueryData(predictionKeys.latest(AAPL), newest);
    applyPredictions(client, [prediction({ made_at: '2026-11-21T10:00:00Z' })]);
    expect(client.getQueryData(predictionKeys.latest(AAPL))).toEqual(newest);
  });

  it('does not take a day of a future path for the newest forecast', () => {
    const client = new QueryClient();
    const forecast = prediction();
    client.setQueryData(predictionKeys.latest(AAPL), forecast);
    applyPredictions(client, [prediction({ made_at: '2026-11-21T11:00:00Z', origin: 'job', horizon: 5 })]);
    expect(client.getQueryData(predictionKeys.latest(AAPL))).toEqual(forecast);
  });
});

describe('latestPredictionQuery', () => {
  /** Serves the newest of these, newest first, of the origin that is asked for. */
  function serve(items: Prediction[]): void {
    server.use(
      http.get(url('/api/predict/'), ({ request }) => {
        const origin = new URL(request.url).searchParams.get('origin');
        const found = items.filter((item) => !origin || item.origin === origin);
        return HttpResponse.json({ items: found.slice(0, 1), next_cursor: null });
      }),
    );
  }

  it('looks behind a future path for the newest forecast', async () => {
    const path = prediction({ origin: 'job', made_at: '2026-11-21T12:00:00Z' });
    const asked = prediction({ origin: 'api', made_at: '2026-11-21T11:00:00Z' });
    const replayed = prediction({ origin: 'replay', made_at: '2026-11-21T10:00:00Z' });
    serve([path, asked, replayed]);
    expect(await new QueryClient().query(latestPredictionQuery(AAPL))).toEqual(asked);
  });

  it('takes a day of a path when there is nothing else, and null when there is nothing at all', async () => {
    const path = prediction({ origin: 'job' });
    serve([path]);
    expect(await new QueryClient().query(latestPredictionQuery(AAPL))).toEqual(path);
    serve([]);
    expect(await new QueryClient().query(latestPredictionQuery(AAPL))).toBeNull();
  });
});
