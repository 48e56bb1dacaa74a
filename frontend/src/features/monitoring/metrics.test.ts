import { describe, expect, it } from 'vitest';
import { metrics } from '@/testing/factories';
import { byService, figures, newestOf } from './overview';
import { increase, parseKey, readScrape } from './samples';

const API = 'http_requests_total{method="GET",route="/api/predict",status="200"}';
const API_FAILED = 'http_requests_total{method="GET",route="/api/predict",status="503"}';
const PROBE = 'http_requests_total{method="GET",route="/metrics",status="200"}';

/** The figures of scrapes that came five seconds apart, oldest first. */
function figuresOf(...rounds: Record<string, number>[]) {
  const scrapes = rounds.map((samples, round) =>
    readScrape(
      metrics({ samples, scraped_at: new Date(Date.UTC(2026, 10, 21, 10, 0, round * 5)).toISOString() }),
    ),
  );
  return figures(byService(scrapes.reverse()));
}

describe('parseKey', () => {
  it('reads names and labels, also escaped ones', () => {
    expect(parseKey('up')).toEqual({ name: 'up', labels: {} });
    expect(parseKey('x_total{a="1",b="say \\"hi\\", {ok}"}')).toEqual({
      name: 'x_total',
      labels: { a: '1', b: 'say \\"hi\\", {ok}' },
    });
  });
});

describe('figures', () => {
  it('counts requests of the API per second, and none of those that watch it', () => {
    const { requests } = figuresOf({ [API]: 100, [PROBE]: 5 }, { [API]: 150, [PROBE]: 500 });
    expect(requests).toEqual([null, 10]);
  });

  it('takes a counter that fell as started again', () => {
    expect(figuresOf({ [API]: 100 }, { [API]: 20 }).requests).toEqual([null, 4]);
    expect(increase(100, 20)).toBe(20);
  });

  it('tells the share of failed requests', () => {
    const { errors } = figuresOf({ [API]: 0, [API_FAILED]: 0 }, { [API]: 75, [API_FAILED]: 25 });
    expect(errors).toEqual([null, 0.25]);
  });

  it('adds gauges of all services up, and leaves those out that are down', () => {
    const memory = { process_resident_memory_bytes: 100 };
    const scrapes = [
      readScrape(metrics({ service: 'backend1', samples: memory })),
      readScrape(metrics({ service: 'backend2', samples: memory })),
      readScrape(metrics({ service: 'workflows', up: false })),
    ];
    expect(figures(byService(scrapes)).memory).toEqual([200]);
  });

  it('tells no rate across an outage', () => {
    const at = (second: number) => `2026-11-21T10:00:0${second}Z`;
    const scrapes = [
      readScrape(metrics({ scraped_at: at(9), samples: { [API]: 50 } })),
      readScrape(metrics({ scraped_at: at(4), up: false })),
      readScrape(metrics({ scraped_at: at(1), samples: { [API]: 10 } })),
    ];
    expect(figures(byService(scrapes)).requests).toEqual([null, null, null]);
  });

  it('tells the mean time to answer, and none where nothing was asked', () => {
    const took = 'http_request_duration_seconds_sum{method="GET",route="/api/predict"}';
    const answered = 'http_request_duration_seconds_count{method="GET",route="/api/predict"}';
    const { latency } = figuresOf(
      { [took]: 1, [answered]: 100 },
      { [took]: 1.5, [answered]: 150 },
      { [took]: 1.5, [answered]: 150 },
    );
    expect(latency).toEqual([null, 0.01, null]);
  });
});

it('keeps the last value of a figure for a moment', () => {
  expect(newestOf([1, 2, null])).toBe(2);
  expect(newestOf([1, null, null, null])).toBeNull();
});
