import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it } from 'vitest';
import { prediction } from '@/testing/factories';
import { applyPredictions, predictionKeys, withPrediction, type Prediction } from './predictions';

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
});
